#include "session/record/wayland_tables.h"

#include <algorithm>
#include <iterator>

namespace thaw::session::wayland {
namespace {

#include "wayland_tables.inc"

}  // namespace

const Interface* find_interface(std::string_view name) {
  const auto* end = std::end(kInterfaces);
  const auto* found = std::find_if(std::begin(kInterfaces), end,
                                   [name](const Interface& one) { return one.name == name; });
  return found == end ? nullptr : found;
}

}  // namespace thaw::session::wayland
