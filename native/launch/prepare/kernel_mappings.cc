#include "launch/prepare/kernel_mappings.h"

#include <algorithm>
#include <cstring>

#include "image/hash.h"
#include "launch/prepare/vdso_trampolines.h"
#include "support/file.h"

namespace thaw::launch {
namespace {

using image::View;

/// Room that is left to the restorer area, which takes the low end of a gap.
constexpr uint64_t kSpare = 64 << 20;

const uint8_t* at(uint64_t address) {
  return reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(address));
}

/// What this kernel has mapped.
struct Found {
  KernelMappings mappings;
  AddressRange vdso, sigpage;  ///< empty: this kernel has none

  /// From the lowest to the end of the highest.
  [[nodiscard]] AddressRange block() const {
    const auto& moves = mappings.moves;
    return moves.empty() ? AddressRange{}
                         : AddressRange{moves.front().from, moves.back().from + moves.back().size};
  }
};

bool is_vdso(std::string_view line) {
  return line.ends_with("[vdso]");
}
bool is_sigpage(std::string_view line) {
  return line.ends_with("[sigpage]");
}
bool is_kernels(std::string_view line) {
  return is_vdso(line) || line.find("[vvar") != std::string_view::npos || is_sigpage(line);
}

Result<Found> read_mappings() {
  THAW_ASSIGN(maps, read_file("/proc/self/maps"));
  Found found;
  uint64_t ours_end = 0;  // Of the last of our own mappings: what follows it goes with it.
  for (const std::string_view line : split(maps, "\n")) {
    const AddressRange range = address_range(line);
    auto& all = found.mappings.all;
    if (!is_kernels(line)) {
      if (range.start == ours_end)
        all.back().size += range.size();
      else
        all.push_back({range.start, range.size(), 0});
      ours_end = range.end;
      continue;
    }
    ours_end = 0;
    all.push_back({range.start, range.size(), 0});
    found.mappings.moves.push_back({range.start, range.size(), 0});
    if (is_vdso(line)) found.vdso = range;
    if (is_sigpage(line)) found.sigpage = range;
  }
  return found;
}

/// Where the app's own kernel had them.
AddressRange block_of(const model::Process& process) {
  const uint64_t vdso = process.vdso_start;
  return {process.vvar_size != 0 ? std::min(vdso, process.vvar_start) : vdso,
          std::max(vdso + process.vdso_size, process.vvar_start + process.vvar_size)};
}

/// ARM: where the trampolines lie in [sigpage] is chosen anew in each boot
/// (arch/arm/kernel/signal.c, get_signal_page), and handlers may be about to return to one.
bool same_sigpage(std::string_view wanted, const AddressRange& own) {
  return wanted.size() == own.size() &&
         (wanted.empty() || memcmp(at(own.start), wanted.data(), wanted.size()) == 0);
}

/// Code byte for byte, and layout.
bool is_same(const View& view, const Found& found) {
  const model::Process& process = view.root_process();
  const model::Requirements& needs = view.requirements_record();
  const AddressRange own = found.block(), wanted = block_of(process);
  return found.vdso.start != 0 && needs.vdso_hash != 0 && own.size() == wanted.size() &&
         found.vdso.start - own.start == process.vdso_start - wanted.start &&
         found.vdso.size() == process.vdso_size &&
         image::hash(at(found.vdso.start), found.vdso.size()) == needs.vdso_hash &&
         same_sigpage(view.bytes(needs.sigpage), found.sigpage);
}

/// Moves them as one block, so that the distances between them stay what they are.
void move_to(uint64_t start, Found& found) {
  const uint64_t from = found.block().start;
  for (restorer::Move& move : found.mappings.moves) move.to = start + (move.from - from);
}

/// Into a gap of the app.
Result<void> move_to_gap(const View& view, Found& found) {
  const uint64_t size = found.block().size();
  for (const model::Gap& gap : View::part(view.gaps(), view.root_process().gaps)) {
    if (gap.end - gap.start < size + kSpare) continue;
    move_to(gap.end - size, found);
    return {};
  }
  return Error{ENOMEM, "there is no room for this kernel's vDSO in the app's address space"};
}

/// Under another kernel, the app's old vDSO is patched to jump to this kernel's. Where the app has
/// none, this kernel's vDSO only moves out of the app's way.
Result<void> bridge(const View& view, Found& found) {
  const uint64_t app_vdso = view.root_process().vdso_start;
  if (app_vdso != 0 && found.vdso.start == 0)
    return Error{0, "this kernel has no vDSO, which the app needs"};
  if (!found.mappings.moves.empty()) THAW_TRY(move_to_gap(view, found));
  if (app_vdso == 0) return {};
  const std::string_view old = view.bytes(view.requirements_record().vdso);
  if (old.size() != view.root_process().vdso_size)
    return Error{0, "the image has no copy of its vDSO"};
  const uint64_t target =
      found.mappings.moves.front().to + (found.vdso.start - found.block().start);
  THAW_ASSIGN(patched,
              vdso_trampolines({reinterpret_cast<const uint8_t*>(old.data()), old.size()},
                               {at(found.vdso.start), static_cast<size_t>(found.vdso.size())},
                               app_vdso, target));
  found.mappings.trampolines = std::move(patched);
  return {};
}

}  // namespace

uint64_t KernelMappings::size() const {
  uint64_t size = 0;
  for (const restorer::Move& move : moves) size += move.size;
  return size;
}

Result<KernelMappings> prepare_kernel_mappings(const View& view) {
  THAW_ASSIGN(found, read_mappings());
  if (found.mappings.moves.size() > restorer::kMostMoves)
    return Error{0, "this kernel has more mappings of its own than thaw knows"};
  found.mappings.in_place = is_same(view, found);
  if (found.mappings.in_place)
    move_to(block_of(view.root_process()).start, found);
  else
    THAW_TRY(bridge(view, found));
  return std::move(found.mappings);
}

}  // namespace thaw::launch
