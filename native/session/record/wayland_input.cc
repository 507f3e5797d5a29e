#include "session/record/wayland_input.h"

#include <algorithm>
#include <iterator>

namespace thaw::session::wayland {
namespace {

struct Row {
  std::string_view interface;
  bool late;  ///< it tells at once, when it is made, who has the focus
};

/// Others that are made of one of those that are late come late with it.
constexpr Row kInputs[] = {
    {"wl_keyboard", true},
    {"wl_pointer", true},
    {"wl_touch", true},
    {"zwp_text_input_v1", true},
    {"zwp_text_input_v3", true},
    {"wl_data_device", false},
    {"wl_data_offer", false},
    {"zwp_primary_selection_device_v1", false},
    {"zwp_primary_selection_offer_v1", false},
    {"zwp_relative_pointer_v1", true},
    {"zwp_locked_pointer_v1", true},
    {"zwp_confined_pointer_v1", true},
    {"zwp_pointer_gesture_swipe_v1", true},
    {"zwp_pointer_gesture_pinch_v1", true},
    {"zwp_pointer_gesture_hold_v1", true},
};

const Row* find(std::string_view interface) {
  const auto* end = std::end(kInputs);
  const auto* found = std::find_if(
      std::begin(kInputs), end, [interface](const Row& row) { return row.interface == interface; });
  return found == end ? nullptr : found;
}

}  // namespace

bool is_withheld(std::string_view interface, std::string_view event) {
  // What a keyboard is like, not what happens with it.
  if (event == "keymap" || event == "repeat_info") return false;
  return find(interface) != nullptr;
}

bool is_late(std::string_view interface) {
  const Row* row = find(interface);
  return row != nullptr && row->late;
}

}  // namespace thaw::session::wayland
