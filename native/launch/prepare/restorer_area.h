// The restorer area: a part of the address space that neither thaw-exec nor the app uses, with all
// that the restorer needs once thaw-exec's own memory is gone.
//
//   [code][metadata of the image][data: Handover, arrays, a cold start][stacks]
//   [room for moves][meeting place of a tree][delivery: what the app keeps]
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "image/view.h"
#include "launch/prepare/arena.h"
#include "launch/prepare/prepared.h"
#include "support/result.h"

namespace thaw::launch {

/// The freestanding restorer, where the area begins that will be made behind it.
class RestorerCode {
 public:
  RestorerCode() = default;
  /// In the root of a tree, before it forks: where all processes have room for their areas, so that
  /// none of them has to load the code. Nothing where there is no such place.
  static RestorerCode for_all(const image::View& view, const KernelMappings& kernel);
  RestorerCode(const RestorerCode&) = delete;
  RestorerCode& operator=(const RestorerCode&) = delete;
  RestorerCode(RestorerCode&& other) noexcept
      : start_(std::exchange(other.start_, 0)), room_(std::exchange(other.room_, 0)) {}
  RestorerCode& operator=(RestorerCode&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~RestorerCode();

  [[nodiscard]] uint64_t start() const { return start_; }
  /// Bytes that an area may have behind the code; 0: it is not there.
  [[nodiscard]] uint64_t room() const { return room_; }
  /// The area has it from now on.
  uint64_t take() { return std::exchange(start_, 0); }

 private:
  uint64_t start_ = 0, room_ = 0;
};

class RestorerArea {
 public:
  /// Finds a free place and maps it; unmapped again when this is destroyed. `data` and `delivery`
  /// are bytes that the arenas shall have.
  static Result<RestorerArea> make(const Prepared& prepared, uint64_t data, uint64_t delivery);
  RestorerArea(RestorerArea&& other) noexcept;
  RestorerArea& operator=(RestorerArea&&) = delete;
  ~RestorerArea();

  [[nodiscard]] uint64_t start() const { return start_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  /// For the Handover and what it points to.
  [[nodiscard]] Arena data() const { return {data_, stacks_ - data_}; }
  /// For what the app keeps, at the end.
  [[nodiscard]] Arena delivery() const { return {delivery_, delivery_size()}; }
  [[nodiscard]] uint64_t delivery_size() const { return start_ + size_ - delivery_; }
  /// Where moves that overlap are put in the meantime.
  [[nodiscard]] uint64_t interim() const { return interim_; }
  /// Where the processes of a tree meet.
  [[nodiscard]] restorer::Meeting* meeting() const {
    return reinterpret_cast<restorer::Meeting*>(static_cast<uintptr_t>(meeting_));
  }
  /// Where the leader's stack ends; a small one for each further thread and one for the feeder
  /// follow.
  [[nodiscard]] uint64_t leader_stack_end() const { return stacks_ + kLeaderStack; }

  /// Has the meeting place of a tree here as well, and moves the view's metadata to where here() says;
  /// the view must not be used any more.
  Result<void> take_metadata() const;
  /// Address in the area of a record that lies in the view's metadata.
  template <typename T>
  const T* here(std::span<const T> part) const {
    const auto offset = reinterpret_cast<const char*>(part.data()) - metadata_.data();
    return reinterpret_cast<const T*>(static_cast<uintptr_t>(metadata_start_) + offset);
  }

  static constexpr uint64_t kLeaderStack = 16384, kThreadStack = 4096;

 private:
  RestorerArea() = default;
  Result<void> map(const Prepared& prepared, uint64_t size);

  uint64_t start_ = 0, size_ = 0, metadata_start_ = 0, data_ = 0, stacks_ = 0, interim_ = 0,
           meeting_ = 0, delivery_ = 0;
  std::string_view metadata_;       ///< of the view, until take_metadata()
  std::string_view meeting_place_;  ///< of the tree; empty: there is none
};

}  // namespace thaw::launch
