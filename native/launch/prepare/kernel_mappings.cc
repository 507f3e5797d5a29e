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

bool is_vdso(std::string_view line) {
  return line.ends_with("[vdso]");
}
bool is_sigpage(std::string_view line) {
  return line.ends_with("[sigpage]");
}
bool is_kernels(std::string_view line) {
  return is_vdso(line) || line.find("[vvar") != std::string_view::npos || is_sigpage(line);
}

bool is_among(std::span<const restorer::Move> attached, const AddressRange& range) {
  return std::any_of(attached.begin(), attached.end(),
                     [&range](const restorer::Move& move) { return move.from == range.start; });
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

}  // namespace

Result<KernelMappings> KernelMappings::read(std::span<const restorer::Move> attached) {
  THAW_ASSIGN(maps, read_file("/proc/self/maps"));
  KernelMappings found;
  uint64_t ours_end = 0;  // Of the last of our own mappings: what follows it goes with it.
  for (const std::string_view line : split(maps, "\n")) {
    const AddressRange range = address_range(line);
    auto& all = found.all;
    const bool is_attached = is_among(attached, range);
    if (!is_kernels(line) && !is_attached) {
      if (range.start == ours_end)
        all.back().size += range.size();
      else
        all.push_back({range.start, range.size(), 0});
      ours_end = range.end;
      continue;
    }
    ours_end = 0;
    all.push_back({range.start, range.size(), 0});
    if (is_attached) continue;
    found.own_.push_back({range.start, range.size(), 0});
    if (is_vdso(line)) found.vdso_ = range;
    if (is_sigpage(line)) found.sigpage_ = range;
  }
  if (found.own_.size() + model::kMostAttachments > restorer::kMostMoves)
    return Error{0, "this kernel has more mappings of its own than thaw knows"};
  return found;
}

/// From the lowest to the end of the highest.
AddressRange KernelMappings::block() const {
  return own_.empty() ? AddressRange{}
                      : AddressRange{own_.front().from, own_.back().from + own_.back().size};
}

/// Code byte for byte, and layout.
bool KernelMappings::is_same(const View& view, const model::Process& process) const {
  const model::Requirements& needs = view.requirements_record();
  const AddressRange own = block(), wanted = block_of(process);
  return vdso_.start != 0 && needs.vdso_hash != 0 && own.size() == wanted.size() &&
         vdso_.start - own.start == process.vdso_start - wanted.start &&
         vdso_.size() == process.vdso_size &&
         image::hash(at(vdso_.start), vdso_.size()) == needs.vdso_hash &&
         same_sigpage(view.bytes(needs.sigpage), sigpage_);
}

/// Moves them as one block, so that the distances between them stay what they are.
void KernelMappings::move_to(uint64_t start) {
  const uint64_t from = block().start;
  for (restorer::Move& move : own_) move.to = start + (move.from - from);
}

/// Into a gap of the app.
Result<void> KernelMappings::move_to_gap(const View& view, const model::Process& process) {
  const uint64_t size = block().size();
  for (const model::Gap& gap : View::part(view.gaps(), process.gaps)) {
    if (gap.end - gap.start < size + kSpare) continue;
    move_to(gap.end - size);
    return {};
  }
  return Error{ENOMEM, "there is no room for this kernel's vDSO in the app's address space"};
}

/// Under another kernel, the app's old vDSO is patched to jump to this kernel's. Where the app has
/// none, this kernel's vDSO only moves out of the app's way.
Result<void> KernelMappings::bridge(const View& view, const model::Process& process) {
  const uint64_t app_vdso = process.vdso_start;
  if (app_vdso != 0 && vdso_.start == 0)
    return Error{0, "this kernel has no vDSO, which the app needs"};
  if (!own_.empty()) THAW_TRY(move_to_gap(view, process));
  if (app_vdso == 0) return {};
  const std::string_view old = view.bytes(view.requirements_record().vdso);
  if (old.size() != process.vdso_size) return Error{0, "the image has no copy of its vDSO"};
  const uint64_t target = own_.front().to + (vdso_.start - block().start);
  THAW_ASSIGN(patched, vdso_trampolines({reinterpret_cast<const uint8_t*>(old.data()), old.size()},
                                        {at(vdso_.start), static_cast<size_t>(vdso_.size())},
                                        app_vdso, target));
  trampolines = std::move(patched);
  return {};
}

Result<void> KernelMappings::place_own(const View& view, const model::Process& process) {
  trampolines.clear();
  in_place = is_same(view, process);
  if (!in_place) return bridge(view, process);
  move_to(block_of(process).start);
  return {};
}

/// The restorer wants them ascending by address.
Result<void> KernelMappings::place(const View& view, const model::Process& process,
                                   std::span<const restorer::Move> attached) {
  THAW_TRY(place_own(view, process));
  moves = own_;
  if (attached.empty()) return {};
  moves.insert(moves.end(), attached.begin(), attached.end());
  std::sort(moves.begin(), moves.end(),
            [](const restorer::Move& a, const restorer::Move& b) { return a.from < b.from; });
  return {};
}

uint64_t KernelMappings::size() const {
  uint64_t size = 0;
  for (const restorer::Move& move : moves)
    if (move.from != move.to) size += move.size;
  return size;
}

}  // namespace thaw::launch
