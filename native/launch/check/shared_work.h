// A table that is looked through by this process and, where that is worth it, by helpers: processes
// of its own on other CPUs, with copies of its memory, beside whatever this one does meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

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
  /// Waits for the helpers.
  ~SharedWork();

  /// Something that all of them add to.
  [[nodiscard]] std::atomic<uint32_t>& counter() { return state_->counter; }

  [[nodiscard]] bool wants_helpers() const { return wanted_ != 0; }

  /// Starts the helpers, if there are any. `look(index)` tells something of a row: 1 to 15, or 0,
  /// nothing. `tell(found)`: what a helper does that has found something when nobody waits for it
  /// here any more.
  template <typename Look, typename Tell>
  void begin(const Look& look, const Tell& tell) {
    for (uint32_t i = 0; i < wanted_; ++i)
      if (!start_helper()) {
        do_steps(look, 0);
        if (!found()) leave(0);
        if (is_left_to_helpers()) tell(*found());
        leave(1);
      }
  }

  /// Takes part until no more than `left` rows are the helpers' own. True if nothing has been found
  /// so far: the helpers tell of the rest, by `tell` and by an exit status that is not 0.
  template <typename Look>
  bool leave_to_helpers(const Look& look, uint32_t left) {
    // Helpers that have not even begun get no CPU: they may be waited for, but not relied on.
    do_steps(look, state_->next != 0 ? left : 0);
    return !found() && hand_over();
  }

  /// All that is left, in this process and by the helpers; then, the first row of which something
  /// was told, if no helper has told of it.
  template <typename Look>
  std::optional<Found> finish(const Look& look) {
    const bool is_told = !take_back();
    do_steps(look, 0);
    wait();
    if (!is_done()) {  // A helper was ended with a step of its own.
      state_->next = 0;
      do_steps(look, 0);
    }
    return is_told ? std::nullopt : found();
  }

  /// Process ids of those that have not been waited for.
  [[nodiscard]] std::span<const int> helpers() const { return {helpers_, helper_count_}; }

 private:
  static constexpr uint32_t kStep = 64, kMostHelpers = 3, kWhatBits = 4;
  static constexpr uint32_t kNothing = ~uint32_t{0};
  /// Who tells of what is found.
  enum Teller : uint32_t { kOpen, kThisProcess, kHelpers, kOneOfThem };

  /// Steps are taken in order: when one has something to tell, all before it are in somebody's hands.
  struct State {
    std::atomic<uint32_t> next = 0;  ///< row that nobody has taken
    std::atomic<uint32_t> done = 0;  ///< rows
    std::atomic<uint32_t> found = kNothing;
    std::atomic<uint32_t> counter = 0;
    std::atomic<uint32_t> teller = kOpen;
  };

  /// Until `left` rows are left to others.
  template <typename Look>
  void do_steps(const Look& look, uint32_t left) {
    while (state_->next + left < count_ && state_->found == kNothing) {
      const uint32_t begin = state_->next.fetch_add(kStep);
      if (begin >= count_) return;
      const uint32_t end = begin + kStep < count_ ? begin + kStep : count_;
      for (uint32_t i = begin; i < end; ++i)
        if (const uint32_t what = look(i); what != 0) return note(i << kWhatBits | what);
      state_->done += end - begin;
    }
  }

  /// False in the helper.
  bool start_helper();
  [[noreturn]] static void leave(int status);
  void note(uint32_t what);
  bool hand_over();
  /// Undoes hand_over(). False where a helper tells already.
  bool take_back();
  /// For a helper that has found something: whether it is the one that tells.
  bool is_left_to_helpers();
  void wait();
  [[nodiscard]] bool is_done() const { return state_->found != kNothing || state_->done == count_; }
  [[nodiscard]] std::optional<Found> found() const;

  uint32_t count_;
  uint32_t wanted_ = 0;  ///< helpers
  uint32_t helper_count_ = 0;
  int helpers_[kMostHelpers] = {};
  State own_;  ///< where there are no helpers
  State* state_ = &own_;
};

}  // namespace thaw::launch
