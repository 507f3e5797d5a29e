#include "fd/locks.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstring>

#include "support/file.h"

namespace thaw::fd {
namespace {

enum class LockForm : uint32_t { flock = 1, process, description, lease };

struct Lock {
  LockForm form = LockForm::flock;
  uint32_t write = 0;
  uint64_t start = 0;
  uint64_t size = 0;  ///< 0: to the end of the file, however it grows
};

/// The lines of fdinfo that tell of locks, without their beginning: "POSIX  ADVISORY  WRITE 1234
/// 00:2b:12 0 EOF".
std::vector<std::string_view> lock_lines(const Probe& p) {
  std::vector<std::string_view> lines;
  each_line(p.fdinfo, "lock:", [&](std::string_view line) {
    lines.push_back(trim(line.substr(line.find(": ") + 1)));
    return true;
  });
  return lines;
}

/// False for a lease that is being broken.
bool parse_lock(std::string_view line, Lock& lock) {
  const auto words = split(line, " ");
  if (words.size() < 7) return false;
  if (words[0] == "POSIX") lock.form = LockForm::process;
  if (words[0] == "OFDLCK") lock.form = LockForm::description;
  if (words[0] == "LEASE" && words[1] == "ACTIVE") lock.form = LockForm::lease;
  if (words[0] != "FLOCK" && lock.form == LockForm::flock) return false;
  lock.write = words[2] == "WRITE" ? 1 : 0;
  lock.start = number(words[5]);
  lock.size = words[6] == "EOF" ? 0 : number(words[6]) - lock.start + 1;
  return true;
}

/// A launch opens what the app maps as well, and closes it again in all of its processes, which ends
/// their locks.
bool is_mapped_by(pid_t pid, const Probe& p) {
  auto maps = read_file("/proc/" + std::to_string(pid) + "/maps");
  if (!maps) return true;
  for (const std::string_view line : split(maps.value(), "\n"))
    if (line.ends_with(' ' + p.link)) return true;
  return false;
}

bool is_mapped(const Probe& p) {
  return std::any_of(p.members.begin(), p.members.end(),
                     [&p](pid_t member) { return is_mapped_by(member, p); });
}

/// Whether collect_locks() takes them.
bool can_relock(const Probe& p, const std::vector<std::string_view>& lines) {
  return std::all_of(lines.begin(), lines.end(), [&p](std::string_view line) {
    Lock lock;
    return parse_lock(line, lock) && (lock.form != LockForm::process || !is_mapped(p));
  });
}

long take(int fd, const Lock& lock) {
  if (lock.form == LockForm::lease)
    return fcntl(fd, F_SETLEASE, lock.write != 0 ? F_WRLCK : F_RDLCK);
  if (lock.form == LockForm::flock)
    return flock(fd, (lock.write != 0 ? LOCK_EX : LOCK_SH) | LOCK_NB);
  struct flock wanted = {};
  wanted.l_type = lock.write != 0 ? F_WRLCK : F_RDLCK;
  wanted.l_whence = SEEK_SET;
  wanted.l_start = static_cast<off_t>(lock.start);
  wanted.l_len = static_cast<off_t>(lock.size);
  return fcntl(fd, lock.form == LockForm::process ? F_SETLK : F_OFD_SETLK, &wanted);
}

}  // namespace

Result<void> refuse_locks(const Probe& p, policy::Type type, const policy::Actions& actions) {
  const auto lines = lock_lines(p);
  if (lines.empty()) return {};
  const bool relock = actions.contains(Action::relock) && can_relock(p, lines);
  const std::string without =
      relock
          ? "release it before the checkpoint, or have each launch take it (`relock`: where "
            "another "
            "process holds it, the app starts cold); `close` and `ignore` give its protection up: "
          : "release it before the checkpoint; or, where instances and others may use the file at "
            "the same time without the protection of the lock, ";
  return refuse(
      p, "holds a file lock (" + std::string(lines.front()) + ")",
      without + policy::suggestion(type, p.link, relock ? actions : policy::kCloseOrIgnore));
}

Result<std::string> collect_locks(const Probe& p) {
  constexpr size_t kMost = 64;
  std::string locks;
  for (const std::string_view line : lock_lines(p)) {
    Lock lock;
    if (!parse_lock(line, lock) || locks.size() == kMost * sizeof(lock))
      return refuse(p, "holds a file lock that no launch can take (" + std::string(line) + ")",
                    "release it before the checkpoint");
    if (lock.form == LockForm::process && is_mapped(p))
      return refuse(p, "holds a lock of the process's on a file that it maps, too",
                    "release it before the checkpoint, or let the app use flock(2)");
    locks.append(reinterpret_cast<const char*>(&lock), sizeof(lock));
  }
  return locks;
}

Result<void> take_locks(int fd, std::string_view locks, std::string_view path) {
  for (; locks.size() >= sizeof(Lock); locks.remove_prefix(sizeof(Lock))) {
    Lock lock;
    memcpy(&lock, locks.data(), sizeof(lock));
    if (take(fd, lock) == 0) continue;
    if (errno == EWOULDBLOCK && lock.form == LockForm::lease)
      return Error{0, "another process has " + std::string(path) + " open: no lease is to be had"};
    if (errno == EWOULDBLOCK || errno == EACCES)
      return Error{0, "another process holds the lock on " + std::string(path)};
    return errno_error("cannot lock " + std::string(path));
  }
  return {};
}

bool valid_locks(std::string_view locks) {
  constexpr uint64_t kMost = uint64_t{1} << 62;
  for (; locks.size() >= sizeof(Lock); locks.remove_prefix(sizeof(Lock))) {
    Lock lock;
    memcpy(&lock, locks.data(), sizeof(lock));
    if (lock.form < LockForm::flock || lock.form > LockForm::lease || lock.write > 1 ||
        lock.start > kMost || lock.size > kMost)
      return false;
  }
  return locks.empty();
}

}  // namespace thaw::fd
