// What a compositor has told an app: one of each kind of event, as often as it was told differently.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "session/record/wayland_tables.h"
#include "session/wayland/script.h"

namespace thaw::session::wayland {

/// Whether it asks the app to show that it answers, by a pong with the same serial.
bool is_ping(const Signature& event);

class Told {
 public:
  struct Variant {
    std::string arguments;
    std::string mask;        ///< 0: any byte; those are zero in `arguments`
    uint64_t shared = 0;     ///< what came with it: shared_content()
    bool of_output = false;  ///< names an output
    bool operator==(const Variant& other) const = default;
  };
  struct Kind {
    uint32_t object = 0, generation = 0, opcode = 0;
    bool operator<(const Kind& other) const {
      return std::tie(object, generation, opcode) <
             std::tie(other.object, other.generation, other.opcode);
    }
  };
  /// Of an object, for a launch.
  struct State {
    bool lives = false, late = false, of_output = false;
  };

  void tell(const Kind& kind, const Interface& interface, Variant variant);
  /// A launch may tell it or not, and the app knows it anyway.
  void may_tell(const Kind& kind, const Interface& interface, Variant variant);
  /// A launch never has the object.
  void forget(uint32_t object, uint32_t generation);

  /// As scripts hold them. The texts lie here.
  [[nodiscard]] std::vector<Event> events(
      const std::function<State(uint32_t object, uint32_t generation)>& state) const;

 private:
  struct Known {
    std::vector<Variant> variants;
    size_t last = 0;
    uint32_t count = 0;  ///< 0: not told yet
    const Interface* interface = nullptr;
  };
  size_t add(Known& known, const Interface& interface, Variant variant);

  std::map<Kind, Known> known_;
};

}  // namespace thaw::session::wayland
