#include "restorer/memory.h"

#include <asm-generic/mman-common.h>
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/rseq.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/protection_keys.h"
#include "support/young_kernels.h"

namespace thaw::restorer {
namespace {

using model::Op;
using model::OpKind;

long unmap(uint64_t start, uint64_t end) {
  return start >= end
             ? 0
             : raw::call(__NR_munmap, static_cast<long>(start), static_cast<long>(end - start));
}

long read_image(const Handover& handover, uint64_t address, uint64_t size, uint64_t offset) {
  while (size > 0) {
    const long got = raw::pread(handover.image_fd, address, size, offset);
    if (got == -EINTR) continue;
    if (got == 0) return -EIO;  // The file ends too early.
    if (got < 0) return got;
    address += static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
    size -= static_cast<uint64_t>(got);
  }
  return 0;
}

/// Executable pages from a store that is mounted noexec: memory of our own with the same bytes.
long map_executable_copy(const Handover& handover, const Op& op) {
  long result =
      raw::mmap(op.address, op.size, PROT_READ | PROT_WRITE, op.flags | MAP_ANONYMOUS, -1, 0);
  if (result < 0 && result > -4096) return result;
  result = read_image(handover, op.address, op.size, op.offset);
  if (result < 0) return result;
  raw::sync_instructions(op.address, op.address + op.size);
  return raw::call(__NR_mprotect, static_cast<long>(op.address), static_cast<long>(op.size),
                   op.prot);
}

long execute_map(const Handover& handover, const Op& op) {
  if (op.source == Op::kNoSource) return raw::mmap(op.address, op.size, op.prot, op.flags, -1, 0);
  if (op.source != 0)
    return raw::mmap(op.address, op.size, op.prot, op.flags, handover.source_fds[op.source - 1],
                     op.offset);
  if (handover.no_exec_store != 0 && (op.prot & PROT_EXEC) != 0)
    return map_executable_copy(handover, op);
  return raw::mmap(op.address, op.size, op.prot, op.flags, handover.image_fd, op.offset);
}

long move_to(uint64_t from, uint64_t size, uint64_t to) {
  return raw::call(__NR_mremap, static_cast<long>(from), static_cast<long>(size),
                   static_cast<long>(size), MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<long>(to));
}

/// The app's id of the ring is its address, where the kernel does not put it by itself.
long make_aio_ring(const Op& op) {
  // Something there, so that the ring comes to lie apart.
  long result =
      raw::mmap(op.address, op.size, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  if (result < 0 && result > -4096) return result;
  unsigned long ring = 0;  // aio_context_t
  result = raw::call(__NR_io_setup, static_cast<long>(op.offset), reinterpret_cast<long>(&ring));
  if (result < 0) return result;
  const auto* events = reinterpret_cast<const volatile uint32_t*>(ring) + 1;  // aio_ring::nr
  if (*events != op.flags) return -EINVAL;
  return move_to(ring, op.size, op.address);
}

long execute(const Handover& handover, const Op& op) {
  const long address = static_cast<long>(op.address), size = static_cast<long>(op.size);
  switch (op.kind) {
    case OpKind::map:
      return execute_map(handover, op);
    case OpKind::read:
      return read_image(handover, op.address, op.size, op.offset);
    case OpKind::protect:
      return op.flags == 0 ? raw::call(__NR_mprotect, address, size, op.prot)
                           : raw::call(__NR_pkey_mprotect, address, size, op.prot, op.flags);
    case OpKind::advise:
      return raw::call(__NR_madvise, address, size, op.flags);
    case OpKind::lock:
      return raw::call(__NR_mlock2, address, size, op.flags);
    case OpKind::name:
      return raw::call(__NR_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, size,
                       reinterpret_cast<long>(handover.blobs + op.offset));
    case OpKind::seal:
      return raw::call(young::kNrMseal, address, size, 0);
    case OpKind::aio_ring:
      return make_aio_ring(op);
  }
  return -EINVAL;
}

const char* name_of(OpKind kind) {
  switch (kind) {
    case OpKind::map:
      return "cannot map memory";
    case OpKind::read:
      return "cannot read the image";
    case OpKind::protect:
      return "cannot protect memory";
    case OpKind::advise:
      return "cannot advise memory";
    case OpKind::lock:
      return "cannot lock memory";
    case OpKind::name:
      return "cannot name memory";
    case OpKind::seal:
      return "cannot seal memory";
    case OpKind::aio_ring:
      return "cannot set kernel AIO up (io_setup)";
  }
  return "unknown memory operation";
}

bool overlap(const Move& a, const Move& b) {
  return a.from < b.to + b.size && b.to < a.from + a.size;
}

/// Where old and new places overlap, all go by way of the room that the restorer area keeps for
/// that.
void move_kernel_mappings(Handover& handover) {
  bool crossing = false;
  for (uint32_t i = 0; i < handover.move_count; ++i)
    for (uint32_t k = 0; k < handover.move_count; ++k)
      crossing = crossing || (handover.moves[i].from != handover.moves[i].to &&
                              overlap(handover.moves[i], handover.moves[k]));
  uint64_t interim = handover.interim;
  for (uint32_t i = 0; crossing && i < handover.move_count; ++i) {
    Move& move = handover.moves[i];
    if (move.from == move.to) continue;  // All places to move to lie apart.
    check(handover, move_to(move.from, move.size, interim), "cannot move the vDSO", move.from);
    move.from = interim;
    interim += move.size;
  }
  for (uint32_t i = 0; i < handover.move_count; ++i) {
    const Move& move = handover.moves[i];
    if (move.from != move.to)
      check(handover, move_to(move.from, move.size, move.to), "cannot move the vDSO", move.to);
  }
}

void place(Handover& handover, const StandIn& copy) {
  const long address = static_cast<long>(copy.address), size = static_cast<long>(copy.size);
  constexpr const char* kProblem = "cannot map what stands in for the kernel's own mappings";
  check(handover,
        raw::mmap(copy.address, copy.size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0),
        kProblem, copy.address);
  auto* to = reinterpret_cast<volatile char*>(static_cast<uintptr_t>(copy.address));
  for (uint64_t i = 0; copy.bytes != nullptr && i < copy.size; ++i) to[i] = copy.bytes[i];
  if (copy.executable != 0) raw::sync_instructions(copy.address, copy.address + copy.size);
  check(handover,
        raw::call(__NR_mprotect, address, size, PROT_READ | (copy.executable != 0 ? PROT_EXEC : 0)),
        kProblem, copy.address);
}

bool is_kernels(const Handover& handover, const Move& mapping) {
  for (uint32_t i = 0; i < handover.move_count; ++i)
    if (handover.moves[i].from == mapping.from) return true;
  return false;
}

/// Unmaps one by one what was mapped when the launch was prepared, so that next to no pages are
/// left for the call over the whole range: a kernel for ARMv7 flushes its TLB page by page over all
/// of a range that it unmaps, most of an address space if need be.
void unmap_own(const Handover& handover) {
  for (uint32_t i = 0; i < handover.own_count; ++i) {
    const Move& own = handover.own[i];
    if (!is_kernels(handover, own)) unmap(own.from, own.from + own.size);
  }
}

/// Beside those that the app has kept (SegmentId of shim/tables.h).
void write_segment_ids(const Handover& handover) {
  if (handover.process->segment_ids == 0) return;
  auto* pairs =
      reinterpret_cast<volatile int32_t*>(static_cast<uintptr_t>(handover.process->segment_ids));
  for (uint32_t i = 0; i < handover.segment_id_count; ++i)
    pairs[2 * i + 1] = handover.segment_ids[i];
}

}  // namespace

long release_own_memory(Handover& handover) {
  if (handover.old_rseq != 0) {
    const long result =
        raw::call(__NR_rseq, static_cast<long>(handover.old_rseq), handover.old_rseq_size,
                  RSEQ_FLAG_UNREGISTER, handover.old_rseq_signature);
    if (result < 0) return result;
  }
  unmap_own(handover);
  // Keep the restorer area and the kernel's mappings; moves are sorted by address.
  uint64_t next = 0;
  bool area_kept = false;
  auto keep = [&next](uint64_t start, uint64_t size) {
    const long result = unmap(next, start);
    next = start + size;
    return result;
  };
  for (uint32_t i = 0; i < handover.move_count; ++i) {
    if (!area_kept && handover.area_start < handover.moves[i].from) {
      if (const long result = keep(handover.area_start, handover.area_size); result < 0)
        return result;
      area_kept = true;
    }
    if (const long result = keep(handover.moves[i].from, handover.moves[i].size); result < 0)
      return result;
  }
  if (!area_kept)
    if (const long result = keep(handover.area_start, handover.area_size); result < 0)
      return result;
  for (const uint64_t end : raw::kTaskEnds) {
    const long result = end > next ? unmap(next, end) : -EINVAL;
    if (result != -EINVAL) return result;
  }
  return 0;  // The last of the kernel's mappings touches the end.
}

void rebuild_memory(Handover& handover) {
  move_kernel_mappings(handover);
  allocate_keys(handover);
  const model::Process& process = *handover.process;
  const bool no_read_ahead = handover.record != 0 || handover.cached == 0;
  for (uint32_t i = 0; i < process.ops.count; ++i) {
    const Op& op = handover.ops[i];
    const long result = execute(handover, op);
    if (op.optional == 0) check(handover, result, name_of(op.kind), op.address);
    if (no_read_ahead && op.kind == OpKind::map && op.source != Op::kNoSource)
      raw::call(__NR_madvise, static_cast<long>(op.address), static_cast<long>(op.size),
                MADV_RANDOM);
  }
  free_spare_keys(handover);
  write_segment_ids(handover);
  for (uint32_t i = 0; i < handover.stand_in_count; ++i) place(handover, handover.stand_ins[i]);
}

}  // namespace thaw::restorer
