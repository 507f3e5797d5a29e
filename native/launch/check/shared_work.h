// A table that is looked through by this process and, where that is worth it, by helpers: processes
// of its own on other CPUs, with copies of its memory, which are gone when the work is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace thaw::launch {

class SharedWork {
 public:
  struct Found {
    uint32_t index;  ///< in the table
    uint32_t what;   ///< what was told of it
  };

  /// `count`: rows of the table.
  SharedWork(uint32_t count, bool may_have_helpers);
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;
  ~SharedWork();

  /// Something that all of them add to.
  [[nodiscard]] std::atomic<uint32_t>& counter() { return state_->counter; }

  /// The first row of which `look(index)` tells something: 1 to 15, or 0, nothing.
  template <typename Look>
  std::optional<Found> first(const Look& look) {
    for (uint32_t i = 0; i < helper_count_; ++i)
      if (!start_helper(i)) do_steps(look), leave();
    do_steps(look);
    if (!all_done()) {  // A helper was ended with a step of its own.
      state_->next = 0;
      do_steps(look);
    }
    return found();
  }

 private:
  static constexpr uint32_t kStep = 64, kMostHelpers = 3, kWhatBits = 4;
  static constexpr uint32_t kNothing = ~uint32_t{0};

  /// Steps are taken in order: when one has something to tell, all before it are in somebody's hands.
  struct State {
    std::atomic<uint32_t> next = 0;  ///< row that nobody has taken
    std::atomic<uint32_t> done = 0;  ///< rows
    std::atomic<uint32_t> found = kNothing;
    std::atomic<uint32_t> counter = 0;
  };

  template <typename Look>
  void do_steps(const Look& look) {
    for (;;) {
      const uint32_t begin = state_->next.fetch_add(kStep);
      if (begin >= count_ || state_->found != kNothing) return;
      const uint32_t end = begin + kStep < count_ ? begin + kStep : count_;
      for (uint32_t i = begin; i < end; ++i)
        if (const uint32_t what = look(i); what != 0) return tell(i << kWhatBits | what);
      state_->done += end - begin;
    }
  }

  /// False in the helper.
  bool start_helper(uint32_t index);
  [[noreturn]] static void leave();
  void tell(uint32_t what);
  /// Waits for the helpers.
  bool all_done();
  [[nodiscard]] std::optional<Found> found() const;

  uint32_t count_;
  uint32_t helper_count_ = 0;
  int helpers_[kMostHelpers] = {};  ///< process ids, 0: none
  State own_;                       ///< where there are no helpers
  State* state_ = &own_;
};

}  // namespace thaw::launch
