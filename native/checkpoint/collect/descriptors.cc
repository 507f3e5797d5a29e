// Descriptors: which numbers share an open file description, which come from the caller, and for
// the rest what its kind keeps of it (fd/open_file.h).
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <future>
#include <span>
#include <tuple>

#include "checkpoint/collect/collect.h"
#include "checkpoint/collect/file_content.h"
#include "fd/open_file.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr int kFirstOwn = 3;  ///< 0, 1 and 2 always come from the caller.

/// A descriptor number of one process.
struct Numbered {
  int number;
  bool close_on_exec;
  size_t description;  ///< index of its probe
};

/// Every open file description of the tree, and what refers to them.
struct Found {
  std::vector<fd::Probe> probes;
  std::vector<uint64_t> eventfd_ids;           ///< per probe, 0 for all else
  std::vector<size_t> sorted;                  ///< the probes by the kernel's order (kcmp(2))
  std::vector<std::vector<Numbered>> numbers;  ///< per process
};

/// The order that the kernel has for open file descriptions; neither is before the other where
/// they are one. Apps with thousands of descriptors would take seconds to compare each with each.
bool is_before(const fd::Probe& a, const fd::Probe& b) {
  constexpr long kLess = 1;
  return syscall(SYS_kcmp, a.pid, b.pid, KCMP_FILE, static_cast<unsigned long>(a.number),
                 static_cast<unsigned long>(b.number)) == kLess;
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

  static Result<Holder> open(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid);
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) return errno_error("cannot open the process");
    THAW_ASSIGN(links, Entries::open(folder + "/fd"));
    THAW_ASSIGN(infos, Entries::open(folder + "/fdinfo"));
    return Holder{pid, std::move(pidfd), std::move(links), std::move(infos), {}};
  }
};

Result<fd::Probe> probe(const Holder& holder, int number_) {
  fd::Probe probe;
  probe.pid = holder.pid;
  probe.number = number_;
  THAW_ASSIGN(info, holder.infos.text(number_));
  probe.fdinfo = std::move(info);
  probe.copy.reset(static_cast<int>(syscall(SYS_pidfd_getfd, holder.pidfd.get(), number_, 0)));
  if (!probe.copy.valid()) return errno_error("cannot copy descriptor " + std::to_string(number_));
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

bool is_stdio(const fd::Probe& p) {
  return p.number < kFirstOwn;
}

/// Terminals and pipes that the app opened again by another description are still the caller's.
bool same_channel(const fd::Probe& stdio, const fd::Probe& p) {
  if (S_ISCHR(p.status.st_mode) && S_ISCHR(stdio.status.st_mode))
    return isatty(p.copy.get()) != 0 && p.status.st_rdev == stdio.status.st_rdev;
  return S_ISFIFO(p.status.st_mode) && S_ISFIFO(stdio.status.st_mode) &&
         p.status.st_ino == stdio.status.st_ino && p.status.st_dev == stdio.status.st_dev &&
         (p.flags & O_ACCMODE) == (stdio.flags & O_ACCMODE);
}

/// The number that the caller gives for this description, or -1. `stdio`: all that are 0, 1 or 2.
int inherited_from(const Capture& capture, std::span<const fd::Probe* const> stdio,
                   const fd::Probe& p) {
  if (p.pid != capture.root().pid) return -1;
  if (is_stdio(p)) return p.number;
  const auto& inherit = capture.request.inherit;
  if (std::find(inherit.begin(), inherit.end(), p.number) != inherit.end()) return p.number;
  for (const fd::Probe* other : stdio)
    if (other->pid == p.pid && same_channel(*other, p)) return other->number;
  return -1;
}

void collect_owner(const Capture& capture, const fd::Probe& p, model::OpenFile& file) {
  f_owner_ex owner = {};
  if (fcntl(p.copy.get(), F_GETOWN_EX, &owner) != 0 || owner.pid == 0) return;
  file.owner_type = owner.type;
  const int signal = fcntl(p.copy.get(), F_GETSIG);
  file.owner_signal = signal > 0 ? static_cast<uint32_t>(signal) : 0;
  if (owner.type != F_OWNER_TID) return;
  for (const ProcessCapture& process : capture.processes)
    if (process.pid == p.pid) file.owner_thread = process.thread(owner.pid);
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
  if (place != found.sorted.end() && key_of(*place) == own && !is_before(p, found.probes[*place]))
    return *place;
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

/// Adds the descriptors of one process to `found`.
Result<void> find_descriptors(pid_t pid, Found& found) {
  THAW_ASSIGN(holder, Holder::open(pid));
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

/// What became of each description: a record of its own, or a descriptor of the caller.
struct Sorted {
  std::vector<fd::Probe> own;
  std::vector<model::Index> open_file;  ///< per probe, kNone: the caller's
  std::vector<int> from_caller;         ///< per probe, -1: its own record
};

/// Splits what the caller gives from what thaw makes again.
Sorted sort_out(const Capture& capture, std::vector<fd::Probe> probes) {
  Sorted sorted;
  std::vector<const fd::Probe*> stdio;
  for (const fd::Probe& p : probes)
    if (is_stdio(p)) stdio.push_back(&p);
  for (const fd::Probe& p : probes) sorted.from_caller.push_back(inherited_from(capture, stdio, p));
  sorted.open_file.assign(probes.size(), model::kNone);
  sorted.own.reserve(probes.size());
  for (size_t i = 0; i < probes.size(); ++i) {
    if (sorted.from_caller[i] >= 0) continue;
    probes[i].open_file = sorted.open_file[i] =
        static_cast<model::Index>(capture.image.open_files.size() + sorted.own.size());
    sorted.own.push_back(std::move(probes[i]));
  }
  return sorted;
}

Result<void> collect_open_files(Capture& capture, const std::vector<fd::Probe>& own,
                                std::vector<Error>* refusals) {
  fd::Collector collector = {capture.image, capture.request.policies, own, {}, {}};
  collector.store_content = [&capture](int fd, uint64_t size) {
    return collect_file_content(capture, fd, size);
  };
  if (capture.request.calls) collector.seen = &*capture.request.calls;
  collector.warnings = &capture.warnings;
  collector.frozen = refusals == nullptr;
  for (const fd::Probe& p : own) {
    auto collected = fd::collect_open_file(collector, p);
    if (!collected && collected.error().err == 0 && refusals != nullptr) {
      refusals->push_back(collected.error());
      capture.image.open_files.emplace_back();  // Others name it by its place.
      continue;
    }
    THAW_ASSIGN(file, std::move(collected));
    collect_owner(capture, p, file);
    capture.image.open_files.push_back(file);
  }
  return {};
}

void record_numbers(Capture& capture, ProcessCapture& process, const std::vector<Numbered>& numbers,
                    const Sorted& sorted) {
  image::Builder& image = capture.image;
  process.record.fds = {static_cast<model::Index>(image.fds.size()),
                        static_cast<uint32_t>(numbers.size())};
  for (const Numbered& n : numbers) {
    model::Fd record;
    record.number = static_cast<uint32_t>(n.number);
    record.open_file = sorted.open_file[n.description];
    record.close_on_exec = n.close_on_exec ? 1 : 0;
    record.inherit = sorted.from_caller[n.description];
    // 0, 1 and 2 may be one description for the app and three for its next caller.
    if (record.inherit >= 0 && n.number < kFirstOwn) record.inherit = n.number;
    if (record.open_file != model::kNone) {
      model::OpenFile& file = image.open_files[record.open_file];
      if (file.fd_count++ == 0) file.first_fd = static_cast<model::Index>(image.fds.size());
    }
    image.fds.push_back(record);
  }
}

}  // namespace

Result<void> collect_descriptors(Capture& capture, std::vector<Error>* refusals) {
  Found found;
  for (const ProcessCapture& process : capture.processes)
    THAW_TRY(find_descriptors(process.pid, found));
  model::Process& root = capture.root().record;
  for (const Numbered& n : found.numbers.front()) {
    const fd::Probe& p = found.probes[n.description];
    collect_terminal(p, n.number, root.terminal, capture.warnings);
    // Those that thaw gives an app wait.
    if (capture.request.given && n.number < kFirstOwn && (p.flags & O_NONBLOCK) != 0)
      root.nonblocking |= 1u << n.number;
  }
  Sorted sorted = sort_out(capture, std::move(found.probes));
  THAW_TRY(collect_open_files(capture, sorted.own, refusals));
  for (size_t i = 0; i < capture.processes.size(); ++i)
    record_numbers(capture, capture.processes[i], found.numbers[i], sorted);
  // Closing thousands takes a while: the app need not wait for it.
  for (fd::Probe& p : sorted.own) capture.copies.push_back(std::move(p.copy));
  return {};
}

}  // namespace thaw::checkpoint
