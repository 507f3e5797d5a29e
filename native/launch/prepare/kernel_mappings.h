// The kernel's own mappings in this process ([vdso], [vvar]...), where they go, and what stands
// where the app expects them to be.
#pragma once

#include <cstdint>
#include <vector>

#include "image/view.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

struct KernelMappings {
  std::vector<restorer::Move> moves;  ///< ascending by address
  /// Every mapping of this process: the restorer area keeps clear of them.
  std::vector<restorer::Move> all;
  /// The app's old vDSO with jumps to this kernel's; empty where the two are the same, byte for
  /// byte and in their layout, or the app has none.
  std::vector<uint8_t> trampolines;
  /// The kernel's mappings go where the app had them; else something has to stand in for them.
  bool in_place = false;

  /// Bytes of all that moves.
  [[nodiscard]] uint64_t size() const;
};

Result<KernelMappings> prepare_kernel_mappings(const image::View& view);

}  // namespace thaw::launch
