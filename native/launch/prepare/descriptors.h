// Gives this process the image's descriptors, each at its number, and can take all of it back.
#pragma once

#include <vector>

#include "fd/kind.h"
#include "image/view.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

class Descriptors {
 public:
  explicit Descriptors(const image::View& view) : view_(view), process_(view.processes()[0]) {}
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  /// Puts the caller's descriptors back, unless the launch went on.
  ~Descriptors();

  /// Makes every open file description and places its numbers.
  Result<void> restore();

  /// Moves a descriptor of ours out of the way of the app's numbers; it is closed at commit.
  Result<UniqueFd> move_high(UniqueFd fd);

  /// The memory of a shared object (memfd, deleted file), made on first use.
  Result<int> object_memory(model::Index object);

  /// What the restorer closes at commit: all that is neither the app's nor 0, 1, 2.
  std::vector<restorer::FdRange> close_at_commit() const;
  /// What a cold start closes: the numbers that the launch took.
  std::vector<restorer::FdRange> close_for_cold_start() const;
  [[nodiscard]] const std::vector<restorer::SavedFd>& saved() const { return saved_; }
  [[nodiscard]] const std::vector<restorer::FdOwner>& owners() const { return owners_; }

 private:
  Result<void> find_room();
  Result<void> open_all();
  Result<void> place_all();
  Result<void> place(const model::Fd& record);
  Result<void> save_caller_fd(int number);
  Result<void> finish_all();
  Result<void> set_owner(const model::OpenFile& file, int fd);
  [[nodiscard]] std::span<const model::Fd> fds() const {
    return image::View::part(view_.fds(), process_.fds);
  }

  const image::View& view_;
  const model::Process& process_;
  int high_ = -1;                 ///< first number above all that the app and the caller use
  std::vector<UniqueFd> opened_;  ///< per OpenFile, out of the way
  std::vector<fd::Opener::Side> sides_;
  std::vector<int> placed_;
  std::vector<int> taken_;  ///< numbers that hold the app's descriptors now
  std::vector<restorer::SavedFd> saved_;
  std::vector<restorer::FdOwner> owners_;
};

}  // namespace thaw::launch
