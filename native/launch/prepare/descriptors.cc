#include "launch/prepare/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fd/open_file.h"

namespace thaw::launch {
namespace {

constexpr int kFirstOwn = 3;
/// Status flags that fcntl(F_SETFL) can set.
constexpr int kStatusFlags = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

bool makes_descriptor(const model::OpenFile& file) {
  return file.fd_count > 0 && !fd::is_left_out(file);
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

Result<void> Descriptors::restore() {
  placed_.assign(view_.open_files().size(), -1);
  THAW_TRY(open_all());
  THAW_TRY(place_all());
  THAW_TRY(finish_all());
  list_not_apps();
  return {};
}

Result<void> Descriptors::open_all() {
  fd::Opener opener = {view_, process_, objects_.sides(), placed_};
  opened_.resize(view_.open_files().size());
  for (size_t i = 0; i < opened_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (!makes_descriptor(file)) continue;
    THAW_ASSIGN(fd, fd::open_file(opener, file));
    opened_[i] = std::move(fd);      // First: what can fail leaves it to be undone.
    THAW_TRY(objects_.make_room());  // A pair's other end waits there for its turn.
    THAW_TRY(room_.move(opened_[i]));
  }
  return {};
}

Result<void> Descriptors::save_caller_fd(int number) {
  const int flags = fcntl(number, F_GETFD);
  if (flags < 0) return {};
  const int copy = room_.copy(number);
  if (copy < 0) return errno_error("cannot keep the caller's descriptor " + std::to_string(number));
  saved_.push_back({number, copy, flags & FD_CLOEXEC});
  return {};
}

Result<void> Descriptors::place(const model::Fd& record) {
  const int number = static_cast<int>(record.number);
  if (record.inherit == number) {
    if (number < kFirstOwn || fcntl(number, F_GETFD) >= 0) return {};
    return Error{EBADF, "the profile inherits descriptor " + std::to_string(number) +
                            ", which the caller has not open"};
  }
  if (record.inherit < 0 && !makes_descriptor(view_.open_files()[record.open_file])) return {};
  const int source = record.inherit >= 0 ? record.inherit : opened_[record.open_file].get();
  UniqueFd null;
  int from = source;
  if (record.inherit >= 0 &&
      fcntl(source, F_GETFD) < 0) {  // The caller has closed it: nothing to read or to be heard.
    null.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
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
  opened_.clear();
  return {};
}

Result<void> Descriptors::finish_all() {
  fd::Opener opener = {view_, process_, objects_.sides(), placed_};
  for (size_t i = 0; i < placed_.size(); ++i) {
    const model::OpenFile& file = view_.open_files()[i];
    if (placed_[i] < 0) continue;
    THAW_TRY(fd::finish_file(opener, file, placed_[i]));
    THAW_TRY(set_owner(file, placed_[i]));
    const int flags = static_cast<int>(file.flags) & kStatusFlags;
    // Set only what is not there yet: some kinds refuse F_SETFL (O_PATH).
    if (flags == 0 || (file.flags & O_PATH) != 0) continue;
    const int now = fcntl(placed_[i], F_GETFL);
    if ((now & kStatusFlags) != flags &&
        fcntl(placed_[i], F_SETFL, (now & ~kStatusFlags) | flags) != 0)
      return errno_error("cannot set the flags of descriptor " + std::to_string(placed_[i]));
  }
  return {};
}

Result<void> Descriptors::set_owner(const model::OpenFile& file, int fd) {
  if (file.owner_type < 0) return {};
  f_owner_ex owner = {};
  owner.type = static_cast<decltype(owner.type)>(file.owner_type);
  owner.pid = file.owner_type == F_OWNER_PGRP ? getpgid(0) : getpid();
  if (file.owner_type == F_OWNER_TID && file.owner_thread != model::kNone &&
      file.owner_thread < process_.threads.count)
    owners_.push_back({fd, file.owner_thread});
  if (fcntl(fd, F_SETOWN_EX, &owner) != 0)
    return errno_error("cannot set the owner of descriptor " + std::to_string(fd));
  if (file.owner_signal != 0 && fcntl(fd, F_SETSIG, static_cast<int>(file.owner_signal)) != 0)
    return errno_error("cannot set the signal of descriptor " + std::to_string(fd));
  return {};
}

std::vector<int> Descriptors::sockets() const {
  std::vector<int> sockets;
  for (size_t i = 0; i < placed_.size(); ++i)
    if (placed_[i] >= 0 && fd::may_leave_socket_file(view_.open_files()[i]))
      sockets.push_back(placed_[i]);
  return sockets;
}

/// The gaps between the app's numbers.
void Descriptors::list_not_apps() {
  uint32_t next = kFirstOwn;
  for (const model::Fd& record : fds()) {
    const bool open = record.inherit >= 0 || makes_descriptor(view_.open_files()[record.open_file]);
    if (record.number < next || !open) continue;
    if (record.number > next) not_apps_.push_back({next, record.number - 1});
    next = record.number + 1;
  }
  not_apps_.push_back({next, ~0u});
}

}  // namespace thaw::launch
