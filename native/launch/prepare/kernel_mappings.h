// The kernel's own mappings in this process ([vdso], [vvar]...), where they go along with what was
// attached for the app, and what stands where the app expects them to be.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "image/view.h"
#include "restorer/handover.h"
#include "support/file.h"
#include "support/result.h"

namespace thaw::launch {

class KernelMappings {
 public:
  /// What this process has, which the processes that it forks have as well.
  /// `attached`: what was attached for the app.
  static Result<KernelMappings> read(std::span<const restorer::Move> attached);

  /// Where they go in one process of the app, and what was `attached` for it.
  Result<void> place(const image::View& view, const model::Process& process,
                     std::span<const restorer::Move> attached);

  std::vector<restorer::Move> moves;  ///< of both, ascending by address
  /// Every mapping of this process: the restorer area keeps clear of them.
  std::vector<restorer::Move> all;
  /// The app's old vDSO with jumps to this kernel's; empty where the two are the same, byte for
  /// byte and in their layout, or the app has none.
  std::vector<uint8_t> trampolines;
  /// The kernel's mappings go where the app had them; else something has to stand in for them.
  bool in_place = false;

  /// Bytes of all that moves elsewhere.
  [[nodiscard]] uint64_t size() const;

 private:
  [[nodiscard]] AddressRange block() const;
  [[nodiscard]] bool is_same(const image::View& view, const model::Process& process) const;
  void move_to(uint64_t start);
  Result<void> place_own(const image::View& view, const model::Process& process);
  Result<void> move_to_gap(const image::View& view, const model::Process& process);
  Result<void> bridge(const image::View& view, const model::Process& process);

  std::vector<restorer::Move> own_;  ///< the kernel's, ascending by address
  AddressRange vdso_, sigpage_;      ///< empty: this kernel has none
};

}  // namespace thaw::launch
