#include "launch/prepare/kernel_mappings.h"

#include <algorithm>
#include <cstring>

#include "image/hash.h"
#include "support/file.h"

namespace thaw::launch {
namespace {

bool is_vdso(std::string_view line) {
  return line.ends_with("[vdso]");
}
bool is_sigpage(std::string_view line) {
  return line.ends_with("[sigpage]");
}
bool is_kernel_mapping(std::string_view line) {
  return is_vdso(line) || line.find("[vvar") != std::string_view::npos || is_sigpage(line);
}

const void* at(uint64_t address) {
  return reinterpret_cast<const void*>(static_cast<uintptr_t>(address));
}

/// ARM: where the trampolines lie in [sigpage] is chosen anew in each boot
/// (arch/arm/kernel/signal.c, get_signal_page), and handlers may be about to return to one.
bool same_sigpage(std::string_view wanted, uint64_t start, uint64_t size) {
  return wanted.size() == size && (size == 0 || memcmp(at(start), wanted.data(), size) == 0);
}

}  // namespace

Result<KernelMappings> read_kernel_mappings(const image::View& view) {
  THAW_ASSIGN(maps, read_file("/proc/self/maps"));
  KernelMappings found;
  uint64_t sigpage = 0, sigpage_size = 0;
  uint64_t ours_end = 0;  // Of the last of our own mappings: what follows it goes with it.
  for (const std::string_view line : split(maps, "\n")) {
    const AddressRange range = address_range(line);
    const bool kernels = is_kernel_mapping(line);
    if (!kernels && range.start == ours_end)
      found.all.back().size += range.size();
    else
      found.all.push_back({range.start, range.size(), 0});
    ours_end = kernels ? 0 : range.end;
    if (!kernels) continue;
    found.moves.push_back({range.start, range.size(), 0});
    if (is_sigpage(line)) {
      sigpage = range.start;
      sigpage_size = range.size();
    }
    if (!is_vdso(line)) continue;
    found.vdso_start = range.start;
    found.vdso_size = range.size();
  }
  const model::Process& process = view.processes()[0];
  uint64_t low = ~uint64_t{0}, high = 0;
  for (const restorer::Move& move : found.moves) {
    low = std::min(low, move.from);
    high = std::max(high, move.from + move.size);
  }
  const uint64_t image_low = std::min(
      process.vdso_start, process.vvar_size != 0 ? process.vvar_start : process.vdso_start);
  const uint64_t image_high =
      std::max(process.vdso_start + process.vdso_size, process.vvar_start + process.vvar_size);
  const bool same_layout = high - low == image_high - image_low &&
                           found.vdso_start - low == process.vdso_start - image_low;
  const model::Requirements& needs = view.requirements_record();
  found.same = found.vdso_start != 0 && needs.vdso_hash != 0 && same_layout &&
               found.vdso_size == process.vdso_size &&
               image::hash(at(found.vdso_start), found.vdso_size) == needs.vdso_hash &&
               same_sigpage(view.bytes(needs.sigpage), sigpage, sigpage_size);
  if (found.same)
    for (restorer::Move& move : found.moves) move.to = image_low + (move.from - low);
  return found;
}

}  // namespace thaw::launch
