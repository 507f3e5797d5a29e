#include "session/dbus/script.h"

#include "session/script_bytes.h"

namespace thaw::session::dbus {
namespace {

struct Head {
  uint32_t passes_fds = 0;
  uint32_t steps = 0;
  uint32_t places = 0;
};

enum StepFlag : uint32_t { kAnswered = 1, kError = 2, kOwnName = 4, kAll = 7 };

struct StepHead {
  uint32_t flags = 0;
  uint32_t request = 0, name = 0, signature = 0, body = 0;  ///< bytes of each
};

bool read_step(Rest& rest, Step& step) {
  StepHead head;
  if (!rest.record(head) || (head.flags & ~uint32_t{kAll}) != 0) return false;
  step.answered = (head.flags & kAnswered) != 0;
  step.is_error = (head.flags & kError) != 0;
  step.own_name = (head.flags & kOwnName) != 0;
  return rest.text(head.request, step.request) && rest.text(head.name, step.name) &&
         rest.text(head.signature, step.signature) && rest.text(head.body, step.body);
}

}  // namespace

std::string write_script(const Script& script) {
  std::string bytes;
  append(bytes, Head{script.passes_fds ? 1u : 0u, static_cast<uint32_t>(script.steps.size()),
                     static_cast<uint32_t>(script.places.size())});
  for (const Step& step : script.steps) {
    StepHead head;
    head.flags = (step.answered ? +kAnswered : 0) | (step.is_error ? +kError : 0) |
                 (step.own_name ? +kOwnName : 0);
    head.request = static_cast<uint32_t>(step.request.size());
    head.name = static_cast<uint32_t>(step.name.size());
    head.signature = static_cast<uint32_t>(step.signature.size());
    head.body = static_cast<uint32_t>(step.body.size());
    append(bytes, head);
    bytes.append(step.request).append(step.name).append(step.signature).append(step.body);
  }
  for (const Place& place : script.places) append(bytes, place);
  return bytes;
}

bool read_script(std::string_view bytes, Script& script) {
  Rest rest = {bytes};
  Head head;
  if (!rest.record(head) || head.passes_fds > 1 || head.steps > bytes.size() / sizeof(StepHead) ||
      head.places > bytes.size() / sizeof(Place))
    return false;
  script.passes_fds = head.passes_fds != 0;
  script.steps.resize(head.steps);
  for (Step& step : script.steps)
    if (!read_step(rest, step)) return false;
  script.places.resize(head.places);
  for (Place& place : script.places)
    if (!rest.record(place)) return false;
  return rest.bytes.empty();
}

}  // namespace thaw::session::dbus
