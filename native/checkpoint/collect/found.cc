#include "checkpoint/collect/found.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <future>
#include <string>
#include <tuple>
#include <utility>

#include "checkpoint/collect/standard_descriptors.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr int kInFlight = -1;

/// A process that has it open, and the number: ours, where it is in flight only.
std::pair<pid_t, int> place_of(const fd::Probe& p) {
  return p.number == kInFlight ? std::pair(getpid(), p.copy.get()) : std::pair(p.pid, p.number);
}

/// The order that the kernel has for open file descriptions; neither is before the other where
/// they are one. Apps with thousands of descriptors would take seconds to compare each with each.
bool is_before(const fd::Probe& a, const fd::Probe& b) {
  constexpr long kLess = 1;
  const auto [pid, number] = place_of(a);
  const auto [other_pid, other_number] = place_of(b);
  return syscall(SYS_kcmp, pid, other_pid, KCMP_FILE, static_cast<unsigned long>(number),
                 static_cast<unsigned long>(other_number)) == kLess;
}

/// All eventfds have one inode, but each an id of its own (since Linux 5.2), which never changes.
uint64_t eventfd_id(const fd::Probe& p) {
  return number(line_value(p.fdinfo, "eventfd-id:"));
}

/// Files below /proc/PID by the descriptor's number, without the way there for each of thousands.
class Entries {
 public:
  static Result<Entries> open(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return errno_error("cannot open " + path);
    return Entries(std::move(fd));
  }

  [[nodiscard]] Result<std::string> link(int entry) const {
    char target[PATH_MAX];
    const ssize_t size =
        readlinkat(fd_.get(), std::to_string(entry).c_str(), target, sizeof(target));
    if (size < 0) return errno_error("cannot read the link of descriptor " + std::to_string(entry));
    return std::string(target, static_cast<size_t>(size));
  }
  [[nodiscard]] Result<std::string> text(int entry) const {
    const UniqueFd file(openat(fd_.get(), std::to_string(entry).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return errno_error("cannot look at descriptor " + std::to_string(entry));
    // The kernel makes it in one piece, of which a short read gives the end.
    char buffer[4096];
    const ssize_t got = read(file.get(), buffer, sizeof(buffer));
    if (got < 0) return errno_error("cannot look at descriptor " + std::to_string(entry));
    std::string text(buffer, static_cast<size_t>(got));
    if (text.size() < sizeof(buffer)) return text;
    THAW_ASSIGN(rest, read_all(file.get()));
    return text + rest;
  }

 private:
  explicit Entries(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// The file systems that hold all pipes and all sockets.
struct KernelDevices {
  dev_t pipes = 0, sockets = 0;  ///< 0, which no file has: unknown

  KernelDevices() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) {
      const UniqueFd reader(ends[0]), writer(ends[1]);
      pipes = device_of(reader.get());
    }
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.valid()) sockets = device_of(socket.get());
  }

 private:
  static dev_t device_of(int fd) {
    struct stat status = {};
    return fstat(fd, &status) == 0 ? status.st_dev : 0;
  }
};

/// What the link tells, of what apps have by the thousand: to look at it, the kernel makes an inode
/// in /proc. Empty where only the link tells.
std::string known_link(const KernelDevices& devices, const fd::Probe& p) {
  if (!fd::fdinfo_value(p, "eventfd-count").empty()) return "anon_inode:[eventfd]";
  const char* name = p.status.st_dev == 0                 ? nullptr
                     : p.status.st_dev == devices.pipes   ? "pipe:["
                     : p.status.st_dev == devices.sockets ? "socket:["
                                                          : nullptr;
  return name == nullptr ? std::string() : name + std::to_string(p.status.st_ino) + "]";
}

/// One process, whose descriptors are looked at.
struct Holder {
  pid_t pid;
  UniqueFd pidfd;
  Entries links, infos;
  KernelDevices devices;
  std::span<const pid_t> members;

  static Result<Holder> open(pid_t pid, std::span<const pid_t> members) {
    const std::string folder = "/proc/" + std::to_string(pid);
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) return errno_error("cannot open the process");
    THAW_ASSIGN(links, Entries::open(folder + "/fd"));
    THAW_ASSIGN(infos, Entries::open(folder + "/fdinfo"));
    return Holder{pid, std::move(pidfd), std::move(links), std::move(infos), {}, members};
  }
};

/// Descriptor `number_` of the holder, of which `copy` is ours.
Result<fd::Probe> look_at(const Holder& holder, int number_, UniqueFd copy) {
  fd::Probe probe;
  probe.pid = holder.pid;
  probe.number = number_;
  probe.members = holder.members;
  THAW_ASSIGN(info, holder.infos.text(number_));
  probe.fdinfo = std::move(info);
  probe.copy = std::move(copy);
  if (fstat(probe.copy.get(), &probe.status) != 0)
    return errno_error("cannot stat descriptor " + std::to_string(number_));
  probe.link = known_link(holder.devices, probe);
  if (probe.link.empty()) {
    THAW_ASSIGN(link, holder.links.link(number_));
    probe.link = std::move(link);
  }
  const auto flags = static_cast<int>(number(line_value(probe.fdinfo, "flags:"), 8));
  probe.close_on_exec = (flags & O_CLOEXEC) != 0;
  probe.flags = flags & ~O_CLOEXEC;
  probe.position = static_cast<off_t>(number(line_value(probe.fdinfo, "pos:")));
  return probe;
}

Result<fd::Probe> probe(const Holder& holder, int number_) {
  UniqueFd copy(static_cast<int>(syscall(SYS_pidfd_getfd, holder.pidfd.get(), number_, 0)));
  if (!copy.valid()) return errno_error("cannot copy descriptor " + std::to_string(number_));
  return look_at(holder, number_, std::move(copy));
}

bool is_stdio(const fd::Probe& p) {
  return p.number < kFirstOwn;
}

bool holds_own_lock(const fd::Probe& p) {
  bool holds = false;
  each_line(p.fdinfo, "lock:", [&holds](std::string_view line) {
    holds = line.find("POSIX") != std::string_view::npos;
    return !holds;
  });
  return holds;
}

/// Locks of fcntl(2) belong to a process: it stands for a description that others have as well.
void take_over(fd::Probe& known, fd::Probe p, std::vector<Error>& refused) {
  if (p.number == kInFlight || p.pid == known.pid || is_stdio(known) || !holds_own_lock(p)) return;
  if (holds_own_lock(known))
    refused.push_back(fd::refuse(p, "is locked (fcntl(2)) by two processes that share it",
                                 "let the app open the file in each of them, or use flock(2)"));
  known = std::move(p);
}

/// Index of the description that `p` refers to, which is added if it is new.
size_t add_description(fd::Probe p, Found& found) {
  const uint64_t id = eventfd_id(p);
  const auto key = [](const fd::Probe& p, uint64_t id) {
    return std::tuple(p.status.st_dev, p.status.st_ino, id);
  };
  const auto key_of = [&](size_t known) {
    return key(found.probes[known], found.eventfd_ids[known]);
  };
  const auto own = key(p, id);
  const auto place = std::lower_bound(
      found.sorted.begin(), found.sorted.end(), p, [&](size_t known, const fd::Probe& p) {
        const auto other = key_of(known);
        return other != own ? other < own : is_before(found.probes[known], p);
      });
  if (place != found.sorted.end() && key_of(*place) == own && !is_before(p, found.probes[*place])) {
    take_over(found.probes[*place], std::move(p), found.refused);
    return *place;
  }
  const size_t index = found.probes.size();
  found.sorted.insert(place, index);
  found.probes.push_back(std::move(p));
  found.eventfd_ids.push_back(id);
  return index;
}

Result<void> probe_each(const Holder& holder, std::span<const int> numbers,
                        std::span<fd::Probe> probes) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    THAW_ASSIGN(p, probe(holder, numbers[i]));
    probes[i] = std::move(p);
  }
  return {};
}

/// Thousands of them are looked at by two threads: nearly all of the time is the kernel's.
Result<std::vector<fd::Probe>> probe_all(const Holder& holder, std::span<const int> numbers) {
  constexpr size_t kMany = 256;
  std::vector<fd::Probe> probes(numbers.size());
  const size_t here = numbers.size() < kMany ? numbers.size() : numbers.size() / 2;
  std::future<Result<void>> beside;
  if (here < numbers.size())
    beside = std::async(std::launch::async | std::launch::deferred, probe_each, std::cref(holder),
                        numbers.subspan(here), std::span(probes).subspan(here));
  auto first = probe_each(holder, numbers.first(here), std::span(probes).first(here));
  if (beside.valid()) THAW_TRY(beside.get());
  THAW_TRY(std::move(first));
  return probes;
}

}  // namespace

Result<void> find_descriptors(pid_t pid, std::span<const pid_t> members, Found& found) {
  THAW_ASSIGN(holder, Holder::open(pid, members));
  // Not those of fd: to list them, the kernel makes an inode for each of them as well.
  THAW_ASSIGN(open_numbers, numeric_entries("/proc/" + std::to_string(pid) + "/fdinfo"));
  THAW_ASSIGN(probes, probe_all(holder, open_numbers));
  found.probes.reserve(found.probes.size() + probes.size());
  std::vector<Numbered> numbers;
  for (fd::Probe& p : probes) {
    const int number_ = p.number;
    const bool close_on_exec = p.close_on_exec;
    numbers.push_back({number_, close_on_exec, add_description(std::move(p), found)});
  }
  found.numbers.push_back(std::move(numbers));
  return {};
}

Result<size_t> find_in_flight(UniqueFd copy, size_t carrier, Found& found) {
  THAW_ASSIGN(self, Holder::open(getpid(), {}));
  const fd::Probe& queue = found.probes[carrier];
  const int number = copy.get();
  THAW_ASSIGN(p, look_at(self, number, std::move(copy)));
  p.pid = queue.members.front();
  p.number = kInFlight;
  p.members = queue.members;
  return add_description(std::move(p), found);
}

}  // namespace thaw::checkpoint
