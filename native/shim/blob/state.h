// The shim's view of its tables: which pages are still mapped from the image.
#pragma once

#include "arch/this_cpu.h"
#include "shim/tables.h"

extern "C" __attribute__((visibility("hidden"))) uint64_t thaw_shim_tables;

namespace thaw::shim {

inline Tables& tables() {
  return *reinterpret_cast<Tables*>(static_cast<uintptr_t>(thaw_shim_tables));
}
inline bool is_off(GuardBit guard) {
  return (tables().off & guard) != 0;
}
inline uint64_t page_size() {
  return tables().page_size;
}
inline uint64_t round_up(uint64_t size) {
  return (size + page_size() - 1) / page_size() * page_size();
}

/// The state of the page at `address`, or null where nothing was mapped from the image.
uint8_t* page_at(uint64_t address);

/// True if any page of [start, end) is still mapped from the image.
bool touches_image(uint64_t start, uint64_t end);

/// Forgets [start, end): it is something else now.
void forget(uint64_t start, uint64_t end);

/// Calls use(start, end, state) for runs of [start, end) with equal state; state 0 where pages are
/// not the image's. Stops at the first negative answer, which it returns.
template <typename F>
long for_each_run(uint64_t start, uint64_t end, F&& use) {
  auto state_of = [](uint64_t address) -> uint8_t {
    const uint8_t* page = page_at(address);
    return page != nullptr && (*page & kPageFromImage) != 0 ? *page : uint8_t{0};
  };
  for (uint64_t run = start; run < end;) {
    const uint8_t state = state_of(run);
    uint64_t next = run + page_size();
    while (next < end && state_of(next) == state) next += page_size();
    if (const long result = use(run, next, state); result < 0) return result;
    run = next;
  }
  return 0;
}

/// Held while pages change what they are. All signals are blocked: a handler may call malloc.
class Lock {
 public:
  Lock() : Lock(tables().lock) {}
  /// The word is 0 while it is free.
  explicit Lock(uint32_t& word);
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock();

 private:
  uint32_t& word_;
  uint64_t mask_ = 0;
};

}  // namespace thaw::shim
