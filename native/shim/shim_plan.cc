#include "shim/shim_plan.h"

#include <cstring>

extern "C" const char thaw_shim_start[], thaw_shim_end[];

namespace thaw::shim {
namespace {

/// The first words of the blob (shim/blob/header.S).
struct BlobHeader {
  uint32_t park, finish;
};

}  // namespace

bool can_guard(std::span<const checkpoint::Vma>, const ReadMemory&) {
  return false;
}

Result<ShimPlan> plan(const Input& input) {
  ShimPlan plan;
  plan.code.assign(thaw_shim_start, thaw_shim_end);
  BlobHeader header = {};
  memcpy(&header, plan.code.data(), sizeof(header));
  plan.code.resize((plan.code.size() + input.page_size - 1) / input.page_size * input.page_size);
  plan.data.resize(input.page_size);
  plan.park_offset = header.park;
  plan.finish_offset = header.finish;
  return plan;
}

}  // namespace thaw::shim
