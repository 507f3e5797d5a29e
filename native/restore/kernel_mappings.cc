#include "restore/kernel_mappings.h"

#include <algorithm>

#include "image/hash.h"
#include "support/file.h"

namespace thaw::restore {
namespace {

bool is_vdso(std::string_view line) {
  return line.ends_with("[vdso]");
}
bool is_kernel_mapping(std::string_view line) {
  return is_vdso(line) || line.find("[vvar") != std::string_view::npos ||
         line.ends_with("[sigpage]");
}

}  // namespace

Result<KernelMappings> read_kernel_mappings(const image::View& view) {
  THAW_ASSIGN(maps, read_file("/proc/self/maps"));
  KernelMappings found;
  for (const std::string_view line : split(maps, "\n")) {
    const size_t dash = line.find('-');
    const uint64_t start = number(line.substr(0, dash), 16);
    const uint64_t end = number(line.substr(dash + 1, line.find(' ') - dash - 1), 16);
    found.all.push_back({start, end - start, 0});
    if (!is_kernel_mapping(line)) continue;
    found.moves.push_back({start, end - start, 0});
    if (!is_vdso(line)) continue;
    found.vdso_start = start;
    found.vdso_size = end - start;
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
  const uint64_t hash = view.requirements_record().vdso_hash;
  found.same_vdso =
      found.vdso_start != 0 && hash != 0 && same_layout && found.vdso_size == process.vdso_size &&
      image::hash(reinterpret_cast<const void*>(static_cast<uintptr_t>(found.vdso_start)),
                  found.vdso_size) == hash;
  if (found.same_vdso)
    for (restorer::Move& move : found.moves) move.to = image_low + (move.from - low);
  return found;
}

}  // namespace thaw::restore
