// Device files. The memory devices of major 1 have no state and are opened again, as is the
// controlling terminal; every other driver keeps state that nobody outside of it knows, so it takes a
// policy. Another terminal that is opened again gets its mode.
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/tty.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstring>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/path.h"
#include "fd/pty.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::device;
constexpr policy::Actions kActions = {Action::reopen, Action::close, Action::ignore};

bool match(const Probe& p) {
  return (S_ISCHR(p.status.st_mode) || S_ISBLK(p.status.st_mode)) && p.link.starts_with('/');
}

/// /dev/tty stands for the terminal of whoever opens it: a launch's caller has another one. What the
/// app has made of its mode comes with the process (model::Terminal).
bool controlling_terminal(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 0);
}

/// /dev/null, zero, full, random, urandom, and tty.
bool stateless(const struct stat& status) {
  if (controlling_terminal(status)) return true;
  if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != 1) return false;
  switch (minor(status.st_rdev)) {
    case 3:
    case 5:
    case 7:
    case 8:
    case 9:
      return true;
    default:
      return false;
  }
}

Result<void> refuse_state(const Probe& p) {
  if (stateless(p.status)) return {};
  return refuse(p, "is a device whose state is in its driver",
                "open it after the checkpoint, or " + policy::suggestion(kType, p.link, kActions));
}

/// What a terminal (a serial line above all) may lose with its last descriptor.
struct TerminalRecord {
  termios2 mode = {};
};

/// Of a terminal that is opened again under a policy.
Result<void> collect_terminal(Collector& c, const Probe& p, model::OpenFile& out) {
  TerminalRecord record;
  const int fd = p.copy.get();
  if (controlling_terminal(p.status) || ioctl(fd, TCGETS2, &record.mode) != 0) return {};
  int discipline = N_TTY;
  if (ioctl(fd, TIOCGETD, &discipline) == 0 && discipline != N_TTY)
    return refuse(p,
                  "is a terminal whose data goes to a driver of the kernel (line discipline " +
                      std::to_string(discipline) + ")",
                  "let the app set it (TIOCSETD) after the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  // A launch that sets it and then starts cold would keep the app from its own terminal.
  int exclusive = 0;
  if (ioctl(fd, TIOCGEXCL, &exclusive) == 0 && exclusive != 0)
    return refuse(p, "is a terminal for one process (TIOCEXCL)",
                  "let the app set that after the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  out.content = c.image.record(record);
  return {};
}

/// A controlling terminal's mode is its caller's (model::Terminal), and to change it may stop us.
Result<void> restore_terminal(int fd, std::string_view bytes) {
  TerminalRecord record;
  memcpy(&record, bytes.data(), sizeof(record));
  int session = 0;
  if (ioctl(fd, TIOCGSID, &session) == 0 && session == getsid(0)) return {};
  if (ioctl(fd, TCSETS2, &record.mode) != 0) return errno_error("cannot set a terminal's mode");
  return {};
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const Action action = action_of(out);
  if (action == Action::error && is_slave_of_own(c, p)) return collect_slave(c, p, out);
  if (action == Action::error) THAW_TRY(refuse_state(p));
  if (!name_leads_to_it(p))
    return refuse(p, "is a device whose name does not lead to it any more",
                  "close it before the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  if (action == Action::reopen) THAW_TRY(collect_terminal(c, p, out));
  out.payload = c.image.record(path_record(c, p, p.link));
  out.note = c.image.blob(action == Action::reopen ? "policy: opened by name" : "opened by name");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<PathRecord>(file.payload);
  const std::string_view path = o.image.bytes(record.path);
  THAW_ASSIGN(fd, open_path(path, reopen_flags(file.flags)));
  struct stat now = {};
  if (fstat(fd.get(), &now) != 0 || (now.st_mode & S_IFMT) != (record.mode & S_IFMT) ||
      now.st_rdev != record.rdev)
    return Error{0, std::string(path) + " is another device than at the checkpoint"};
  if (file.content.size != 0) THAW_TRY(restore_terminal(fd.get(), o.image.bytes(file.content)));
  // Block devices have a position; a character device that refuses one never had it.
  if (S_ISBLK(now.st_mode)) THAW_TRY(set_position(fd.get(), file.position));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const bool terminal = file.content.size == 0 || file.content.size == sizeof(TerminalRecord);
  return valid_path_record(view, file) == nullptr || !terminal
             ? "a device's record in the image is broken"
             : nullptr;
}

}  // namespace

constinit const Kind kDevice = {
    .name = "device",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
