#include "session/record/wayland_told.h"

#include <algorithm>

namespace thaw::session::wayland {
namespace {

/// Event::pong of one of an interface.
uint32_t pong_of(const Interface& interface, const Signature& event) {
  if (!is_ping(event)) return 0;
  const auto& requests = interface.requests;
  const auto pong = std::find_if(requests.begin(), requests.end(), [](const Signature& request) {
    return request.name == "pong" && request.arguments == "S";
  });
  return pong == requests.end() ? 0 : static_cast<uint32_t>(pong - requests.begin()) + 1;
}

}  // namespace

bool is_ping(const Signature& event) {
  return event.name == "ping" && event.arguments == "S";
}

size_t Told::add(Known& known, const Interface& interface, Variant variant) {
  known.interface = &interface;
  for (size_t i = 0; i < variant.arguments.size(); ++i)
    if (variant.mask[i] == 0) variant.arguments[i] = '\0';
  const auto found = std::find(known.variants.begin(), known.variants.end(), variant);
  const auto place = static_cast<size_t>(found - known.variants.begin());
  if (found == known.variants.end()) known.variants.push_back(std::move(variant));
  return place;
}

void Told::tell(const Kind& kind, const Interface& interface, Variant variant) {
  Known& known = known_[kind];
  known.last = add(known, interface, std::move(variant));
  ++known.count;
}

void Told::may_tell(const Kind& kind, const Interface& interface, Variant variant) {
  add(known_[kind], interface, std::move(variant));
}

void Told::forget(uint32_t object, uint32_t generation) {
  std::erase_if(known_, [&](const auto& one) {
    return one.first.object == object && one.first.generation == generation;
  });
}

std::vector<Event> Told::events(
    const std::function<State(uint32_t object, uint32_t generation)>& state) const {
  std::vector<Event> events;
  for (const auto& [kind, known] : known_) {
    const State object = state(kind.object, kind.generation);
    const Signature& signature = known.interface->events[kind.opcode];
    const bool global = known.interface->name == "wl_registry" && signature.name == "global";
    const bool counted = signature.name == "release";
    const bool awaited = object.lives && known.count > 0;
    for (const Variant& variant : known.variants) {
      Event event;
      event.object = kind.object;
      event.generation = kind.generation;
      event.opcode = kind.opcode;
      event.count = known.count;
      event.needed = global && awaited ? 1 : 0;
      event.counted = counted && awaited ? 1 : 0;
      const bool last = &variant == &known.variants[known.last];
      event.last = awaited && !global && !counted && last ? 1 : 0;
      event.harmful = global || known.interface->name == "wl_callback" ? 1 : 0;
      event.late = object.late ? 1 : 0;
      event.pong = pong_of(*known.interface, signature);
      event.of_output = object.of_output || variant.of_output ? 1 : 0;
      event.shared = variant.shared;
      event.arguments = variant.arguments;
      event.mask = variant.mask;
      event.name = known.interface->name;
      events.push_back(event);
    }
  }
  return events;
}

}  // namespace thaw::session::wayland
