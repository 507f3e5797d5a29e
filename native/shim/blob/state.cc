#include "shim/blob/state.h"

#include <asm/unistd.h>
#include <linux/signal.h>

namespace thaw::shim {
namespace {

const Range* ranges() {
  return reinterpret_cast<const Range*>(&tables() + 1);
}
uint8_t* pages() {
  return reinterpret_cast<uint8_t*>(const_cast<Range*>(ranges() + tables().range_count));
}

/// The first range that ends behind `address`.
const Range* range_behind(uint64_t address) {
  const Range* first = ranges();
  uint64_t count = tables().range_count;
  while (count > 0) {
    const uint64_t half = count / 2;
    if (first[half].end <= address) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace

uint8_t* page_at(uint64_t address) {
  const Range* range = range_behind(address);
  if (range == ranges() + tables().range_count || address < range->start) return nullptr;
  return pages() + range->first_page + (address - range->start) / page_size();
}

bool touches_image(uint64_t start, uint64_t end) {
  const Range* last = ranges() + tables().range_count;
  for (const Range* range = range_behind(start); range != last && range->start < end; ++range) {
    const uint64_t from = start > range->start ? start : range->start;
    const uint64_t to = end < range->end ? end : range->end;
    const uint8_t* page = pages() + range->first_page + (from - range->start) / page_size();
    for (uint64_t address = from; address < to; address += page_size(), ++page)
      if ((__atomic_load_n(page, __ATOMIC_RELAXED) & kPageFromImage) != 0) return true;
  }
  return false;
}

void forget(uint64_t start, uint64_t end) {
  for (uint64_t address = start; address < end; address += page_size())
    if (uint8_t* page = page_at(address)) __atomic_store_n(page, uint8_t{0}, __ATOMIC_RELAXED);
}

Lock::Lock(uint32_t& word) : word_(word) {
  const uint64_t all = ~uint64_t{0};
  raw::call(__NR_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all),
            reinterpret_cast<long>(&mask_), sizeof(all));
  const auto own = static_cast<uint32_t>(raw::call(__NR_getpid));
  // If the holder has another process id, this process is a fork, which does not have that thread;
  // or it is a vfork child, and the holder is a thread of its parent, which will soon be done.
  constexpr int kPatience = 20000;
  for (int i = 0;; ++i) {
    uint32_t holder = 0;
    if (__atomic_compare_exchange_n(&word_, &holder, own, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      return;
    if (i > kPatience && holder != own &&
        __atomic_compare_exchange_n(&word_, &holder, own, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      return;
    raw::call(__NR_sched_yield);
  }
}

Lock::~Lock() {
  __atomic_store_n(&word_, 0u, __ATOMIC_RELEASE);
  raw::call(__NR_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&mask_), 0, sizeof(mask_));
}

}  // namespace thaw::shim
