// Gives this process the image's descriptors, each at its number, and can take all of it back.
#pragma once

#include <vector>

#include "fd/kind.h"
#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "launch/open/shared_objects.h"
#include "launch/prepare/late_files.h"
#include "launch/tree/tree.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

class Descriptors {
 public:
  Descriptors(const image::View& view, const DescriptorRoom& room, SharedObjects& objects)
      : view_(view), room_(room), objects_(objects) {}
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  /// Puts the caller's descriptors back, unless the launch went on.
  ~Descriptors();

  /// Whether open() or restore() does what other processes can see: binds, listens, connects, writes, locks.
  [[nodiscard]] bool are_seen_outside() const;

  /// Makes every open file description, for all processes of the app.
  Result<void> open();
  /// In a process that leads a session: the pty becomes its controlling terminal, which what is open
  /// as /dev/tty leads to from now on. Returns its descriptor.
  Result<int> take_terminal(model::Index pty);
  /// The caller's controlling terminal; once.
  Result<int> callers_terminal();
  /// Gives this process its own at their numbers.
  Result<void> restore(const Tree& tree);

  /// What the restorer closes at commit: all that is not the app's; 0, 1 and 2 only where it has
  /// closed them itself.
  [[nodiscard]] const std::vector<restorer::FdRange>& not_apps() const { return not_apps_; }
  /// What a cold start closes: the numbers that the launch took.
  [[nodiscard]] const std::vector<restorer::FdRange>& taken() const { return taken_; }
  /// What a cold start puts back.
  [[nodiscard]] const std::vector<restorer::SavedFd>& saved() const { return saved_; }
  [[nodiscard]] const std::vector<restorer::FdOwner>& owners() const { return owners_; }
  /// What servers have told, for the app's memory.
  [[nodiscard]] const std::vector<ToldText>& texts() const { return texts_; }
  /// Those that the restorer has listen, for all processes; empty in other processes than the root.
  [[nodiscard]] std::vector<restorer::Listener> listeners() const;
  /// Those that may be bound to files, which a cold start removes.
  [[nodiscard]] std::vector<int> sockets() const;

 private:
  Result<void> fill_queues();
  void leave_in_flight();
  Result<void> place_all();
  Result<void> place(const model::Fd& record);
  Result<void> save_caller_fd(int number);
  Result<void> finish_all();
  void leave_room();
  [[nodiscard]] bool is_used_by_root(const model::OpenFile& file) const;
  /// In this process; -1: none.
  [[nodiscard]] int descriptor_of(size_t open_file) const;
  Result<void> set_flags(const model::OpenFile& file, int fd) const;
  Result<void> set_owner(const model::OpenFile& file, int fd);
  void list_owner(const model::OpenFile& file, int fd);
  void list_not_apps();
  [[nodiscard]] int callers_fd(int number) const;
  [[nodiscard]] fd::Opener opener(model::Index process);
  [[nodiscard]] std::span<const model::Fd> fds() const {
    return image::View::part(view_.fds(), tree_->process().fds);
  }

  const image::View& view_;
  const Tree* tree_ = nullptr;  ///< from restore() on
  const DescriptorRoom& room_;
  SharedObjects& objects_;
  std::vector<UniqueFd> opened_;  ///< per OpenFile, in the room
  std::vector<int> placed_;       ///< per OpenFile: its first number of the app's, -1 without one
  std::vector<restorer::FdRange> taken_;  ///< numbers that hold the app's descriptors now
  std::vector<restorer::SavedFd> saved_;
  std::vector<restorer::FdOwner> owners_;
  std::vector<restorer::FdRange> not_apps_;
  std::vector<ToldText> texts_;
  std::vector<model::Index> in_flight_;  ///< OpenFiles that only messages carry
  LateFiles late_;                       ///< of an app of several processes
  UniqueFd callers_terminal_;
};

}  // namespace thaw::launch
