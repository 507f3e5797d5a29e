// Descriptors: which numbers share an open file description, which come from the caller, and for
// the rest what its kind keeps of it (fd/open_file.h).
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <functional>
#include <future>
#include <span>
#include <tuple>

#include "checkpoint/collect/collect.h"
#include "checkpoint/collect/file_content.h"
#include "checkpoint/collect/standard_descriptors.h"
#include "fd/open_file.h"
#include "proc/members.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

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
  std::vector<Error> refused;
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

Result<fd::Probe> probe(const Holder& holder, int number_) {
  fd::Probe probe;
  probe.pid = holder.pid;
  probe.number = number_;
  probe.members = holder.members;
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

/// Who gets the signals of a description: what is no part of the app is taken for its root.
void collect_owner(const Capture& capture, const fd::Probe& p, model::OpenFile& file) {
  f_owner_ex owner = {};
  if (fcntl(p.copy.get(), F_GETOWN_EX, &owner) != 0 || owner.pid == 0) return;
  file.owner_type = owner.type;
  const int signal = fcntl(p.copy.get(), F_GETSIG);
  file.owner_signal = signal > 0 ? static_cast<uint32_t>(signal) : 0;
  file.owner_process = 0;
  if (owner.type == F_OWNER_PGRP) {
    // That of the app's first process is its caller's in a launch, whoever leads it here.
    const auto root = proc::read_kinship(capture.root().pid);
    const bool callers = root && root.value().group == owner.pid;
    file.owner_process = callers ? model::kNone : capture.process(owner.pid);
    return;
  }
  if (owner.type != F_OWNER_TID) {
    const model::Index member = capture.process(owner.pid);
    if (member != model::kNone) file.owner_process = member;
    return;
  }
  for (model::Index i = 0; i < capture.processes.size(); ++i) {
    const model::Index thread = capture.processes[i].thread(owner.pid);
    if (thread == model::kNone) continue;
    file.owner_process = i;
    file.owner_thread = thread;
  }
}

/// The user of the process, where it has credentials of its own.
const model::Credentials* credentials_of(const Capture& capture, const ProcessCapture& process) {
  const model::Index credentials = process.record.credentials;
  return credentials == model::kNone ? nullptr : &capture.image.credentials[credentials];
}

/// What a member with its own user has made, that user may open again by /proc; for a launch, it is the root's.
void collect_maker(const Capture& capture, const fd::Probe& p, model::OpenFile& file) {
  constexpr int kFileSystem = 3;
  if (!p.link.starts_with("pipe:[") && !p.link.starts_with("socket:[")) return;
  const auto made = [&](const ProcessCapture& process) {
    const model::Credentials* own = credentials_of(capture, process);
    return own != nullptr && own->users[kFileSystem] == p.status.st_uid;
  };
  if (p.status.st_uid == geteuid() ||
      std::none_of(capture.processes.begin(), capture.processes.end(), made))
    return;
  file.uid = p.status.st_uid;
  file.gid = p.status.st_gid;
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
  if (p.pid == known.pid || is_stdio(known) || !holds_own_lock(p)) return;
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

/// Adds the descriptors of one process to `found`.
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

/// What became of each description: a record of its own, or a descriptor of the caller.
struct Sorted {
  std::vector<fd::Probe> own;
  std::vector<model::Index> open_file;  ///< per probe, kNone: the caller's
  std::vector<uint32_t> standard;       ///< per probe: which of the caller's 0, 1 and 2 it is
};

bool is_inherited(const Capture& capture, const fd::Probe& p) {
  const auto& inherit = capture.request.inherit;
  return p.pid == capture.root().pid &&
         std::find(inherit.begin(), inherit.end(), p.number) != inherit.end();
}

std::vector<uint32_t> find_standard(const Capture& capture, const Found& found) {
  std::array<const fd::Probe*, kFirstOwn> at_numbers = {};
  for (const Numbered& n : found.numbers.front())
    if (n.number < kFirstOwn)
      at_numbers[static_cast<size_t>(n.number)] = &found.probes[n.description];
  const StandardDescriptors standard(capture, at_numbers);
  std::vector<uint32_t> bits;
  for (const fd::Probe& p : found.probes)
    bits.push_back(is_inherited(capture, p) ? 0 : standard.find(p));
  return bits;
}

/// Splits what the caller gives from what thaw makes again.
Sorted sort_out(const Capture& capture, std::vector<uint32_t> standard,
                std::vector<fd::Probe>& probes) {
  Sorted sorted;
  sorted.standard = std::move(standard);
  sorted.open_file.assign(probes.size(), model::kNone);
  sorted.own.reserve(probes.size());
  for (size_t i = 0; i < probes.size(); ++i) {
    if (sorted.standard[i] != 0 || is_inherited(capture, probes[i])) continue;
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
  collector.processes = capture.processes.size();
  std::vector<pid_t> pids;
  for (const ProcessCapture& process : capture.processes) pids.push_back(process.pid);
  for (const EndedProcess& process : capture.ended) pids.push_back(process.pid);
  collector.pids = pids;
  collector.relay = capture.request.relay.get();
  collector.warnings = &capture.warnings;
  collector.frozen = refusals == nullptr;
  for (const fd::Probe& p : own) {
    auto collected = fd::collect_open_file(collector, p);
    if (!collected && p.pid != capture.root().pid && collected.error().err == 0)
      collected = proc::of_member(collected.error(), p.pid);
    if (!collected && collected.error().err == 0 && refusals != nullptr) {
      refusals->push_back(collected.error());
      capture.image.open_files.emplace_back();  // Others name it by its place.
      continue;
    }
    THAW_ASSIGN(file, std::move(collected));
    collect_owner(capture, p, file);
    collect_maker(capture, p, file);
    file.process = capture.process(p.pid);
    capture.image.open_files.push_back(file);
  }
  capture.terminals = std::move(collector.terminals);
  return {};
}

/// The number of the caller's: several of 0, 1 and 2 may be one description for the app, and not for its next caller.
int callers_number(const Sorted& sorted, const Found& found, const Numbered& n) {
  const uint32_t standard = sorted.standard[n.description];
  if (standard == 0) return found.probes[n.description].number;
  const bool its_own = n.number < kFirstOwn && (standard >> n.number & 1) != 0;
  return its_own ? n.number : std::countr_zero(standard);
}

void record_numbers(Capture& capture, ProcessCapture& process, const std::vector<Numbered>& numbers,
                    const Sorted& sorted, const Found& found) {
  image::Builder& image = capture.image;
  process.record.fds = {static_cast<model::Index>(image.fds.size()),
                        static_cast<uint32_t>(numbers.size())};
  for (const Numbered& n : numbers) {
    model::Fd record;
    record.number = static_cast<uint32_t>(n.number);
    record.open_file = sorted.open_file[n.description];
    record.close_on_exec = n.close_on_exec ? 1 : 0;
    if (record.open_file == model::kNone) record.inherit = callers_number(sorted, found, n);
    if (record.open_file != model::kNone) {
      model::OpenFile& file = image.open_files[record.open_file];
      if (file.fd_count++ == 0) file.first_fd = static_cast<model::Index>(image.fds.size());
    }
    image.fds.push_back(record);
  }
}

bool has_open(const Capture& capture, const ProcessCapture& process, model::Index open_file) {
  const model::Range range = process.record.fds;
  const auto first = capture.image.fds.begin() + range.first;
  return std::any_of(first, first + range.count,
                     [open_file](const model::Fd& fd) { return fd.open_file == open_file; });
}

/// Whoever says whom a description signals (F_SETOWN) gives it its own right to do so. -1: nobody has said it, or the
/// kernel does not tell (CONFIG_CHECKPOINT_RESTORE).
int64_t owner_rights(const fd::Probe& p) {
  constexpr int kGetOwnerUids = 17;  // F_GETOWNER_UIDS
  uint32_t uids[2] = {};
  f_owner_ex owner = {};
  if (fcntl(p.copy.get(), F_GETOWN_EX, &owner) != 0 || owner.pid == 0 ||
      fcntl(p.copy.get(), kGetOwnerUids, uids) != 0)
    return -1;
  return uids[1];
}

uint32_t effective_user(const Capture& capture, const ProcessCapture& process) {
  const model::Credentials* own = credentials_of(capture, process);
  return own != nullptr ? own->users[1] : capture.image.requirements.back().euid;
}

/// Which process finishes what has a right to signal that only some of the members have.
Result<void> choose_signallers(Capture& capture, const std::vector<fd::Probe>& own) {
  if (capture.image.credentials.empty()) return {};
  for (const fd::Probe& p : own) {
    const int64_t user = owner_rights(p);
    model::OpenFile& file = capture.image.open_files[p.open_file];
    const auto able = [&](const ProcessCapture& process) {
      return effective_user(capture, process) == user && has_open(capture, process, p.open_file);
    };
    if (user < 0 || able(capture.processes[file.process])) continue;
    const auto other = std::find_if(capture.processes.begin(), capture.processes.end(), able);
    if (other == capture.processes.end())
      return proc::of_member(
          fd::refuse(p,
                     "sends signals (F_SETOWN) with the rights of user " + std::to_string(user) +
                         ", which no process has that has it open",
                     "let the app set its owner after the checkpoint, or with the user that uses "
                     "it"),
          p.pid);
    file.process = static_cast<model::Index>(other - capture.processes.begin());
  }
  return {};
}

/// Which process finishes each description that several have open, where its kind is particular.
Result<void> choose_finishers(Capture& capture, const std::vector<fd::Probe>& own) {
  if (capture.processes.size() < 2) return {};
  for (const fd::Probe& p : own) {
    model::OpenFile& file = capture.image.open_files[p.open_file];
    const std::vector<model::Index> needed = fd::needed_to_finish(capture.image, file);
    if (needed.empty()) continue;
    const auto able = [&](const ProcessCapture& process) {
      return has_open(capture, process, p.open_file) &&
             std::all_of(needed.begin(), needed.end(), [&](model::Index open_file) {
               return has_open(capture, process, open_file);
             });
    };
    if (able(capture.processes[file.process])) continue;
    const auto other = std::find_if(capture.processes.begin(), capture.processes.end(), able);
    if (other == capture.processes.end())
      return proc::of_member(
          fd::refuse(p,
                     "watches open files of which none of the processes that have it has all open",
                     "remove them with epoll_ctl(EPOLL_CTL_DEL), or close it in those that do not "
                     "use it, before the checkpoint"),
          p.pid);
    file.process = static_cast<model::Index>(other - capture.processes.begin());
  }
  return {};
}

/// What the app has made of its caller's 0, 1 and 2: the mode of a terminal, whether they wait. The jobs in the foreground of
/// the caller's terminal draw on it; its mode is set by the root.
void collect_terminals(Capture& capture, const Found& found,
                       const std::vector<uint32_t>& standard) {
  model::Process& own = capture.root().record;
  for (const Numbered& n : found.numbers.front()) {
    const fd::Probe& p = found.probes[n.description];
    if (n.number < kFirstOwn && standard[n.description] == 0) continue;
    collect_terminal(p, n.number, own.terminal, capture.root().terminal_mode, capture.warnings);
    // Those that thaw gives an app wait.
    if (capture.request.given && n.number < kFirstOwn && (p.flags & O_NONBLOCK) != 0)
      own.nonblocking |= 1u << n.number;
  }
  const auto root = proc::read_kinship(capture.root().pid);
  std::vector<std::string> told;  // Of the root's.
  for (size_t i = 1; root && i < capture.processes.size(); ++i) {
    ProcessCapture& process = capture.processes[i];
    const auto kin = proc::read_kinship(process.pid);
    if (!kin || kin.value().session != root.value().session || kin.value().terminal == 0 ||
        kin.value().terminal_group != kin.value().group)
      continue;
    for (const Numbered& n : found.numbers[i])
      collect_terminal(found.probes[n.description], n.number, process.record.terminal,
                       process.terminal_mode, told);
  }
}

}  // namespace

Result<void> collect_descriptors(Capture& capture, std::vector<Error>* refusals) {
  Found found;
  std::vector<pid_t> members;
  for (const ProcessCapture& process : capture.processes) members.push_back(process.pid);
  for (const pid_t member : members) THAW_TRY(find_descriptors(member, members, found));
  std::vector<uint32_t> standard = find_standard(capture, found);
  collect_terminals(capture, found, standard);
  if (!found.refused.empty()) return found.refused.front();
  if (capture.request.given) capture.root().record.flags |= model::kOwnStdio;
  Sorted sorted = sort_out(capture, std::move(standard), found.probes);
  THAW_TRY(collect_open_files(capture, sorted.own, refusals));
  for (size_t i = 0; i < capture.processes.size(); ++i)
    record_numbers(capture, capture.processes[i], found.numbers[i], sorted, found);
  if (refusals == nullptr) {
    THAW_TRY(choose_signallers(capture, sorted.own));
    THAW_TRY(choose_finishers(capture, sorted.own));
  }
  // Closing thousands takes a while: the app need not wait for it.
  for (fd::Probe& p : sorted.own) capture.copies.push_back(std::move(p.copy));
  return {};
}

}  // namespace thaw::checkpoint
