#include "shim/blob/segments.h"

#include <asm/unistd.h>

#include "shim/blob/state.h"

namespace thaw::shim {
namespace {

// Commands of shmctl(2) that name no id, or answer with one.
constexpr long kIpcInfo = 3, kShmStat = 13, kShmInfo = 14, kShmStatAny = 15;

/// The other id of the pair that has `id` as `from`; -1: none has.
int other(int id, int32_t SegmentId::*from, int32_t SegmentId::*to) {
  const Tables& all = tables();
  for (uint64_t i = 0; i < all.segment_id_count; ++i)
    if (all.segment_ids[i].*from == id) return all.segment_ids[i].*to;
  return -1;
}

/// A permutation: what one pair has left is taken where the chain of pairs ends.
int changed(int id, int32_t SegmentId::*from, int32_t SegmentId::*to) {
  const int direct = other(id, from, to);
  if (direct >= 0) return direct;
  for (int next = other(id, to, from); next >= 0; next = other(id, to, from)) id = next;
  return id;
}

long kernels(long id) {
  return changed(static_cast<int>(id), &SegmentId::kept, &SegmentId::now);
}

long apps(long id) {
  return id < 0 ? id : changed(static_cast<int>(id), &SegmentId::now, &SegmentId::kept);
}

}  // namespace

long segment_get(long key, long size, long flags) {
  return apps(raw::call(__NR_shmget, key, size, flags));
}

long segment_attach(long id, long address, long flags) {
  return raw::call(__NR_shmat, kernels(id), address, flags);
}

long segment_control(long id, long command, long argument) {
  if (command == kIpcInfo || command == kShmInfo)
    return raw::call(__NR_shmctl, id, command, argument);
  if (command == kShmStat || command == kShmStatAny)
    return apps(raw::call(__NR_shmctl, id, command, argument));
  return raw::call(__NR_shmctl, kernels(id), command, argument);
}

}  // namespace thaw::shim
