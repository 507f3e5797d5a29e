#include "checkpoint/plan/id_owners.h"

#include <sys/mman.h>

#include "checkpoint/plan/memory_objects.h"

namespace thaw::checkpoint {

std::optional<uint64_t> address_in(const ProcessCapture& process, const Vma& vma,
                                   uint64_t address) {
  const uint64_t offset = vma.offset + (address - vma.start);
  for (const Vma& other : process.vmas)
    if (other.shared && is_same_memory(vma, other) && other.offset <= offset &&
        offset - other.offset < other.size())
      return other.start + (offset - other.offset);
  return {};
}

std::vector<Owner> owners_of(const Capture& capture) {
  std::vector<Owner> owners;
  const auto add = [&owners](size_t process, model::Range threads) {
    for (size_t i = 0; i < threads.count; ++i) owners.push_back({process, i});
  };
  for (size_t i = 0; i < capture.processes.size(); ++i) add(i, capture.processes[i].record.threads);
  for (size_t i = 0; i < capture.ended.size(); ++i)
    add(capture.processes.size() + i, capture.ended[i].record.threads);
  return owners;
}

bool is_corrected_by_other(const Capture& capture, const ProcessCapture& own, const Vma& vma) {
  const auto covers = [&vma](const Vma& other) {
    return other.shared && is_same_memory(vma, other) && other.offset <= vma.offset &&
           other.offset + other.size() >= vma.offset + vma.size();
  };
  for (const bool writable : {true, false})
    for (const ProcessCapture& process : capture.processes)
      for (const Vma& other : process.vmas)
        if (covers(other) && ((other.prot & PROT_WRITE) != 0) == writable) return &process != &own;
  return false;
}

}  // namespace thaw::checkpoint
