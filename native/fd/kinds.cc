#include "fd/kinds.h"

#include <algorithm>
#include <array>

namespace thaw::fd {
namespace {

constexpr KindRow kRows[] = {
#define X(kind, id) {id, &kind},
    THAW_DESCRIPTOR_KINDS(X)
#undef X
};

constexpr uint32_t largest_id() {
  uint32_t largest = 0;
  for (const KindRow& row : kRows) largest = std::max(largest, row.id);
  return largest;
}

constexpr std::array<const Kind*, largest_id() + 1> by_id() {
  std::array<const Kind*, largest_id() + 1> kinds = {};
  for (const KindRow& row : kRows) kinds[row.id] = row.kind;
  return kinds;
}

constexpr std::array kById = by_id();

/// Every row is found again under its id, which it therefore shares with no other; an id of 0
/// would be that of a record that nobody filled.
constexpr bool ids_are_sound() {
  for (const KindRow& row : kRows)
    if (row.id == 0 || kById[row.id] != row.kind) return false;
  return true;
}

static_assert(ids_are_sound(), "two kinds of THAW_DESCRIPTOR_KINDS have the same id");
static_assert(largest_id() < 256, "ids are given out in turn: a launch looks them up in an array");

}  // namespace

std::span<const KindRow> kinds() {
  return kRows;
}

const Kind* find_kind(uint32_t id) {
  return id < kById.size() ? kById[id] : nullptr;
}

uint32_t kind_id(const Kind& kind) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&kind](const KindRow& one) { return one.kind == &kind; });
  return row->id;
}

}  // namespace thaw::fd
