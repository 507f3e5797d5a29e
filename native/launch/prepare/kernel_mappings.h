// The kernel's own mappings in this process ([vdso], [vvar]...) and where the app needs them.
#pragma once

#include <vector>

#include "image/view.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

struct KernelMappings {
  std::vector<restorer::Move>
      moves;  ///< ascending by address; `to` final unless trampolines are needed
  std::vector<restorer::Move>
      all;            ///< every mapping of this process: the restorer area keeps clear of them
  bool same = false;  ///< this kernel's mappings are the image's: code byte for byte, and layout
  uint64_t vdso_start = 0, vdso_size = 0;
};

Result<KernelMappings> read_kernel_mappings(const image::View& view);

}  // namespace thaw::launch
