// Gives this process the image's descriptors, each at its number, and can take all of it back.
#pragma once

#include <vector>

#include "fd/kind.h"
#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "launch/open/shared_objects.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

class Descriptors {
 public:
  Descriptors(const image::View& view, const DescriptorRoom& room, SharedObjects& objects)
      : view_(view), process_(view.root_process()), room_(room), objects_(objects) {}
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  /// Puts the caller's descriptors back, unless the launch went on.
  ~Descriptors();

  /// Whether restore() does what other processes can see: binds, listens, connects, writes, locks.
  [[nodiscard]] bool are_seen_outside() const;

  /// Makes every open file description and places its numbers.
  Result<void> restore();

  /// What the restorer closes at commit: all that is neither the app's nor 0, 1, 2.
  [[nodiscard]] const std::vector<restorer::FdRange>& not_apps() const { return not_apps_; }
  /// What a cold start closes: the numbers that the launch took.
  [[nodiscard]] const std::vector<restorer::FdRange>& taken() const { return taken_; }
  /// What a cold start puts back.
  [[nodiscard]] const std::vector<restorer::SavedFd>& saved() const { return saved_; }
  [[nodiscard]] const std::vector<restorer::FdOwner>& owners() const { return owners_; }
  /// Those that may be bound to files, which a cold start removes.
  [[nodiscard]] std::vector<int> sockets() const;

 private:
  Result<void> open_all();
  Result<void> place_all();
  Result<void> place(const model::Fd& record);
  Result<void> save_caller_fd(int number);
  Result<void> finish_all();
  Result<void> set_owner(const model::OpenFile& file, int fd);
  void list_not_apps();
  [[nodiscard]] std::span<const model::Fd> fds() const {
    return image::View::part(view_.fds(), process_.fds);
  }

  const image::View& view_;
  const model::Process& process_;
  const DescriptorRoom& room_;
  SharedObjects& objects_;
  std::vector<UniqueFd> opened_;  ///< per OpenFile, in the room
  std::vector<int> placed_;       ///< per OpenFile: its first number of the app's, -1 without one
  std::vector<restorer::FdRange> taken_;  ///< numbers that hold the app's descriptors now
  std::vector<restorer::SavedFd> saved_;
  std::vector<restorer::FdOwner> owners_;
  std::vector<restorer::FdRange> not_apps_;
};

}  // namespace thaw::launch
