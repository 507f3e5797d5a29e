#include "launch/prepare/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fd/open_file.h"
#include "fd/pty.h"
#include "fd/unix_pair.h"

namespace thaw::launch {
namespace {

constexpr int kFirstOwn = 3;
/// Status flags that fcntl(F_SETFL) can set.
constexpr int kStatusFlags = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

bool makes_descriptor(const model::OpenFile& file) {
  return file.fd_count > 0 && !fd::is_left_out(file);
}

/// Whether no process has it open once messages carry it.
bool is_only_in_flight(const model::OpenFile& file) {
  return file.fd_count > 0 && file.first_fd == model::kNone;
}

}  // namespace

Descriptors::~Descriptors() {
  // A cold start binds its sockets again: files of ours must not be in its way.
  for (size_t i = 0; i < placed_.size(); ++i)
    if (placed_[i] >= 0) fd::undo_file(view_.open_files()[i], placed_[i]);
  for (size_t i = 0; i < opened_.size(); ++i)
    if (opened_[i].valid()) fd::undo_file(view_.open_files()[i], opened_[i].get());
  for (const restorer::FdRange& taken : taken_) close(static_cast<int>(taken.first));
  for (const restorer::SavedFd& saved : saved_) {
    dup3(saved.copy, saved.number, saved.flags != 0 ? O_CLOEXEC : 0);
    close(saved.copy);
  }
}

bool Descriptors::are_seen_outside() const {
  const auto files = view_.open_files();
  return std::any_of(files.begin(), files.end(), [](const model::OpenFile& file) {
    return makes_descriptor(file) && fd::is_seen_outside(file);
  });
}

fd::Opener Descriptors::opener(model::Index process) {
  return {view_, view_.processes()[process], objects_.sides(), placed_, &texts_};
}

Result<void> Descriptors::restore(const Tree& tree) {
  tree_ = &tree;
  THAW_TRY(late_.make(tree, opener(tree.self()), room_, opened_));
  if (tree.is_member()) in_flight_.clear();
  THAW_TRY(place_all());
  THAW_TRY(finish_all());
  leave_in_flight();
  list_not_apps();
  return {};
}

Result<void> Descriptors::open() {
  placed_.assign(view_.open_files().size(), -1);
  opened_.resize(view_.open_files().size());
  bool filled_later = false;
  for (size_t i = 0; i < opened_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (!makes_descriptor(file)) continue;
    filled_later |= fd::is_filled_later(view_, file);
    if (view_.processes().size() > 1 && fd::needs_processes(file)) {
      THAW_TRY(late_.add(view_, room_, static_cast<model::Index>(i)));
      continue;
    }
    fd::Opener its = opener(file.process);
    THAW_ASSIGN(fd, fd::open_file(its, file));
    opened_[i] = std::move(fd);  // First: what can fail leaves it to be undone.
    if (file.uid != model::kNone && fchown(opened_[i].get(), file.uid, file.gid) != 0)
      return errno_error("cannot give a socket or pipe to user " + std::to_string(file.uid));
    THAW_TRY(objects_.make_room());  // A pair's other end waits there for its turn.
    THAW_TRY(room_.move(opened_[i]));
  }
  return filled_later ? fill_queues() : Result<void>();
}

Result<void> Descriptors::fill_queues() {
  for (model::Index i = 0; i < opened_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (!opened_[i].valid()) continue;
    if (is_only_in_flight(file)) in_flight_.push_back(i);
    if (fd::is_filled_later(view_, file))
      THAW_TRY(fd::fill_queues(view_, opened_, objects_.sides(), i));
  }
  return {};
}

Result<int> Descriptors::take_terminal(model::Index pty) {
  const int slave = objects_.sides()[pty].fd[1];
  THAW_TRY(fd::take_controlling_terminal(slave));
  for (size_t i = 0; i < opened_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (!opened_[i].valid() || file.object != pty ||
        !fd::is_controlling_terminal(file, view_.bytes(file.payload)))
      continue;
    THAW_ASSIGN(terminal, fd::open_controlling_terminal(file));
    if (dup3(terminal.get(), opened_[i].get(), O_CLOEXEC) < 0)
      return errno_error("cannot place the controlling terminal");
  }
  return slave;
}

Result<int> Descriptors::callers_terminal() {
  callers_terminal_.reset(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!callers_terminal_.valid())
    return errno_error("the app has a job in the foreground of its terminal, and there is none");
  THAW_TRY(room_.move(callers_terminal_));
  return callers_terminal_.get();
}

Result<void> Descriptors::save_caller_fd(int number) {
  const int flags = fcntl(number, F_GETFD);
  if (flags < 0) return {};
  const int copy = room_.copy(number);
  if (copy < 0) return errno_error("cannot keep the caller's descriptor " + std::to_string(number));
  saved_.push_back({number, copy, flags & FD_CLOEXEC});
  return {};
}

/// The caller's descriptor of that number, where the app's may stand by now; -1: it has none.
int Descriptors::callers_fd(int number) const {
  for (const restorer::SavedFd& saved : saved_)
    if (saved.number == number) return saved.copy;
  const auto is_taken = [number](const restorer::FdRange& range) {
    return range.first == static_cast<uint32_t>(number);
  };
  return std::any_of(taken_.begin(), taken_.end(), is_taken) ? -1 : number;
}

Result<void> Descriptors::place(const model::Fd& record) {
  const int number = static_cast<int>(record.number);
  if (record.inherit == number) {
    if (number < kFirstOwn || fcntl(number, F_GETFD) >= 0) return {};
    return Error{EBADF, "the profile inherits descriptor " + std::to_string(number) +
                            ", which the caller has not open"};
  }
  if (record.inherit < 0 && !makes_descriptor(view_.open_files()[record.open_file])) return {};
  const int source =
      record.inherit >= 0 ? callers_fd(record.inherit) : opened_[record.open_file].get();
  UniqueFd null;
  int from = source;
  if (record.inherit >= 0 &&
      fcntl(source, F_GETFD) < 0) {  // The caller has closed it: nothing to read or to be heard.
    null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    from = null.get();
  }
  THAW_TRY(save_caller_fd(number));
  if (dup3(from, number, record.close_on_exec != 0 ? O_CLOEXEC : 0) < 0)
    return errno_error("cannot place descriptor " + std::to_string(number));
  taken_.push_back({record.number, record.number});
  if (record.open_file != model::kNone && placed_[record.open_file] < 0)
    placed_[record.open_file] = number;
  return {};
}

Result<void> Descriptors::place_all() {
  for (const model::Fd& record : fds()) THAW_TRY(place(record));
  // The root finishes what only messages carry, where it stands.
  for (const model::Index i : in_flight_) placed_[i] = opened_[i].get();
  leave_room();
  return {};
}

/// Also where only another process has it: a cold start removes its file, or it is to listen.
bool Descriptors::is_used_by_root(const model::OpenFile& file) const {
  return fd::may_leave_socket_file(file) || fd::backlog_of(view_, file);
}

void Descriptors::leave_room() {
  for (size_t i = 0; i < opened_.size(); ++i)
    if (placed_[i] != opened_[i].get() &&
        (tree_->is_member() || placed_[i] >= 0 || !is_used_by_root(view_.open_files()[i])))
      opened_[i].reset();
}

void Descriptors::leave_in_flight() {
  for (const model::Index i : in_flight_) {
    const model::OpenFile& file = view_.open_files()[i];
    placed_[i] = -1;
    // The restorer sets owners.
    if (!is_used_by_root(file) && file.owner_type < 0) opened_[i].reset();
  }
}

int Descriptors::descriptor_of(size_t open_file) const {
  return placed_[open_file] >= 0 ? placed_[open_file] : opened_[open_file].get();
}

Result<void> Descriptors::finish_all() {
  fd::Opener own = opener(tree_->self());
  for (size_t i = 0; i < placed_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (placed_[i] < 0 || file.process != tree_->self()) continue;
    THAW_TRY(fd::finish_file(own, file, placed_[i]));
    THAW_TRY(set_owner(file, placed_[i]));
    THAW_TRY(set_flags(file, placed_[i]));
  }
  return {};
}

/// Only what is not there yet: some kinds refuse F_SETFL (O_PATH).
Result<void> Descriptors::set_flags(const model::OpenFile& file, int fd) const {
  const int flags = static_cast<int>(file.flags) & kStatusFlags;
  if (flags == 0 || (file.flags & O_PATH) != 0) return {};
  const int now = fcntl(fd, F_GETFL);
  if ((now & kStatusFlags) != flags && fcntl(fd, F_SETFL, (now & ~kStatusFlags) | flags) != 0)
    return errno_error("cannot set the flags of descriptor " + std::to_string(fd));
  return {};
}

Result<void> Descriptors::set_owner(const model::OpenFile& file, int fd) {
  if (file.owner_type < 0) return {};
  if (tree_->record() != nullptr) {
    list_owner(file, fd);
    return {};
  }
  f_owner_ex owner = {};
  owner.type = static_cast<decltype(owner.type)>(file.owner_type);
  owner.pid = file.owner_type == F_OWNER_PGRP ? getpgid(0) : getpid();
  if (file.owner_type == F_OWNER_TID && file.owner_thread != model::kNone &&
      file.owner_thread < tree_->process().threads.count)
    owners_.push_back({fd, F_OWNER_TID, file.owner_thread, 0, 0});
  if (fcntl(fd, F_SETOWN_EX, &owner) != 0)
    return errno_error("cannot set the owner of descriptor " + std::to_string(fd));
  if (file.owner_signal != 0 && fcntl(fd, F_SETSIG, static_cast<int>(file.owner_signal)) != 0)
    return errno_error("cannot set the signal of descriptor " + std::to_string(fd));
  return {};
}

/// The ids of the other processes are not known yet.
void Descriptors::list_owner(const model::OpenFile& file, int fd) {
  restorer::FdOwner owner = {fd, file.owner_type, model::kNone,
                             static_cast<uint32_t>(tree_->callers_group()), file.owner_signal};
  if (file.owner_process != model::kNone) {
    owner.thread = view_.processes()[file.owner_process].threads.first;
    if (file.owner_thread != model::kNone) owner.thread += file.owner_thread;
  }
  owners_.push_back(owner);
}

std::vector<restorer::Listener> Descriptors::listeners() const {
  std::vector<restorer::Listener> listeners;
  for (size_t i = 0; i < placed_.size() && !tree_->is_member(); ++i)
    if (const int fd = descriptor_of(i); fd >= 0)
      if (const auto backlog = fd::backlog_of(view_, view_.open_files()[i]))
        listeners.push_back({fd, *backlog});
  return listeners;
}

std::vector<int> Descriptors::sockets() const {
  std::vector<int> sockets;
  for (size_t i = 0; i < placed_.size(); ++i) {
    const int fd = descriptor_of(i);
    if (fd >= 0 && fd::may_leave_socket_file(view_.open_files()[i])) sockets.push_back(fd);
  }
  return sockets;
}

/// The gaps between the app's numbers.
void Descriptors::list_not_apps() {
  const bool own = tree_->is_member() || (tree_->process().flags & model::kOwnStdio) != 0;
  uint32_t next = own ? 0 : kFirstOwn;
  for (const model::Fd& record : fds()) {
    const bool open = record.inherit >= 0 || makes_descriptor(view_.open_files()[record.open_file]);
    if (record.number < next || !open) continue;
    if (record.number > next) not_apps_.push_back({next, record.number - 1});
    next = record.number + 1;
  }
  not_apps_.push_back({next, ~0u});
}

}  // namespace thaw::launch
