// Locks of libc that hold the id of the thread that has taken them, known by their layout.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "image/model.h"

namespace thaw::checkpoint {

struct OwnedLock {
  struct Word {
    uint64_t address = 0;
    model::IdForm form = model::IdForm::word;
  };
  const char* what = "";
  std::vector<Word> words;  ///< those that hold the owner's id
  /// How much of it a chance would have to hit.
  enum class Proof { layout, likely, weak } proof = Proof::likely;
  /// Where not 0: it is a lock only if the machine word at `linked_from` holds `link`.
  uint64_t linked_from = 0, link = 0;
};

/// Bytes that find_lock() wants to see before and behind the word.
constexpr size_t kLockReach = 64;

/// The taken lock to which the word at `address` belongs if `tid` is a thread's id. `around` begins
/// kLockReach bytes before that word, which holds `tid` in FUTEX_TID_MASK. `threads`: how many the
/// process has.
std::optional<OwnedLock> find_lock(std::span<const uint8_t, 2 * kLockReach> around,
                                   uint64_t address, uint32_t tid, uint32_t threads);

/// Whether the word at `address`, for which a thread waits by futex(2), may be that of a mutex of
/// glibc or a stream of musl whose new owner writes its id there; for its mutexes, musl looks its id
/// up after the wait. `around` as above.
bool waiter_becomes_owner(std::span<const uint8_t, 2 * kLockReach> around, uint64_t address);

}  // namespace thaw::checkpoint
