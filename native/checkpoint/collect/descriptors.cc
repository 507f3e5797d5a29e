// Descriptors: which numbers share an open file description, which come from the caller, and for
// the rest what its kind keeps of it (fd/open_file.h).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "checkpoint/collect/collect.h"
#include "checkpoint/collect/file_content.h"
#include "checkpoint/collect/found.h"
#include "checkpoint/collect/in_flight.h"
#include "checkpoint/collect/standard_descriptors.h"
#include "fd/open_file.h"
#include "fd/pty.h"
#include "fd/unix_pair.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

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

/// A refusal, which names the process where it is not the first.
Error named(const Capture& capture, const fd::Probe& p, const Error& error) {
  return p.pid == capture.root().pid || error.err != 0 ? error : proc::of_member(error, p.pid);
}

/// A refusal of what only a message has, with the socket in whose queue that is.
Error carried(const Queues& queues, const fd::Probe& p, Error error) {
  const auto carrier = queues.carriers.find(p.open_file);
  if (p.number >= 0 || error.err != 0 || carrier == queues.carriers.end()) return error;
  error.message = "in the queue of " + carrier->second + ", " + error.message;
  return error;
}

Result<void> collect_queue(fd::Collector& collector, const fd::Probe& p, const Queues& queues,
                           model::OpenFile& file) {
  const auto queue = queues.by_inode.find(p.status.st_ino);
  if (queue == queues.by_inode.end() || !S_ISSOCK(p.status.st_mode)) return {};
  if (!queue->second) return queue->second.error();
  return fd::collect_queue(collector, p, queue->second.value(), file);
}

Result<void> collect_open_files(Capture& capture, const std::vector<fd::Probe>& own,
                                const Queues& queues, std::vector<Error>* refusals) {
  fd::Collector collector = {capture.image, capture.request.policies, own, {}, {}};
  collector.store_content = [&capture](int fd, uint64_t size) {
    return collect_file_content(capture, fd, size);
  };
  if (capture.request.calls) collector.seen = &*capture.request.calls;
  const std::vector<pid_t> pids = capture.pids();
  collector.pids = pids;
  collector.processes = collector.pids.first(capture.processes.size());
  collector.relay = capture.request.relay.get();
  collector.warnings = &capture.warnings;
  collector.frozen = refusals == nullptr;
  for (const fd::Probe& p : own) {
    auto collected = fd::collect_open_file(collector, p);
    if (collected)
      if (auto queued = collect_queue(collector, p, queues, collected.value()); !queued)
        collected = queued.error();
    if (!collected) collected = named(capture, p, carried(queues, p, collected.error()));
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

/// What a launch could not put into a queue: it is made later, or not at all.
const char* cannot_carry(const Capture& capture, const model::OpenFile& file) {
  if (fd::is_left_out(file)) return "that a policy leaves out";
  if (capture.processes.size() < 2) return nullptr;
  if (fd::needs_processes(file)) return "that refers to a process of the app";
  return fd::is_controlling_terminal(file, capture.image.bytes(file.payload))
             ? "that is its session's terminal"
             : nullptr;
}

/// Counts what is in flight, which nothing else may have open.
Result<void> record_in_flight(Capture& capture, const Queues& queues, const Sorted& sorted,
                              std::vector<Error>* refusals) {
  for (const Queues::Held& held : queues.held) {
    const model::Index carrier = sorted.open_file[held.carrier];
    const model::Index open_file = sorted.open_file[held.description];
    if (open_file == model::kNone || carrier == model::kNone) continue;
    model::OpenFile& file = capture.image.open_files[open_file];
    ++file.fd_count;
    const char* problem = cannot_carry(capture, file);
    if (problem == nullptr) continue;
    const fd::Probe& p = sorted.own[carrier];
    const Error refused = named(
        capture, p,
        fd::refuse(
            p,
            std::string("holds a message with a descriptor (SCM_RIGHTS) in its queue ") + problem,
            "let the app read it before the checkpoint (lengthen `settle`)"));
    if (refusals == nullptr) return refused;
    refusals->push_back(refused);
  }
  return {};
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
      ++file.fd_count;
      if (file.first_fd == model::kNone)
        file.first_fd = static_cast<model::Index>(image.fds.size());
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
  THAW_ASSIGN(queues, look_into_queues(found));
  std::vector<uint32_t> standard = find_standard(capture, found);
  collect_terminals(capture, found, standard);
  if (!found.refused.empty()) return found.refused.front();
  if (capture.request.given) capture.root().record.flags |= model::kOwnStdio;
  Sorted sorted = sort_out(capture, std::move(standard), found.probes);
  for (const Queues::Held& held : queues.held)
    if (const model::Index carrier = sorted.open_file[held.carrier]; carrier != model::kNone)
      queues.record(sorted.own[carrier], sorted.open_file[held.description],
                    callers_number(sorted, found, {-1, false, held.description}));
  THAW_TRY(collect_open_files(capture, sorted.own, queues, refusals));
  THAW_TRY(record_in_flight(capture, queues, sorted, refusals));
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
