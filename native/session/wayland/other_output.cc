#include "session/wayland/other_output.h"

#include <algorithm>
#include <tuple>

#include "session/wayland/message.h"

namespace thaw::session::wayland {

OtherOutput::OtherOutput(const Script& script) {
  script_.next_id = script.next_id;
  script_.deleted = script.deleted;
  for (const Event& event : script.events)
    if (event.of_output == 0) script_.events.push_back(event);
  const auto late = script.requests.begin() + script.first_late;
  std::vector<Request> last;
  for (auto request = script.requests.begin(); request != late; ++request) {
    if (request->of_output == 0) {
      script_.requests.push_back(*request);
      continue;
    }
    last.push_back(*request);
    if (request->made != 0) keep_place(last.back());
  }
  script_.first_late = static_cast<uint32_t>(script_.requests.size());
  script_.requests.insert(script_.requests.end(), last.begin(), last.end());
  script_.requests.insert(script_.requests.end(), late, script.requests.end());
  std::sort(script_.events.begin(), script_.events.end(), [](const Event& a, const Event& b) {
    return std::tuple(a.object, a.generation, a.opcode) <
           std::tuple(b.object, b.generation, b.opcode);
  });
}

/// As the recorder does it for what is late always.
void OtherOutput::keep_place(Request& request) {
  Request place;
  place.made = request.made;
  place.deletions = request.deletions++;
  place.bytes = bytes_.emplace_back(make_message(kDisplay, kSync, place.made));
  script_.requests.push_back(place);
  Event done;
  done.object = place.made;
  done.generation = place.deletions;
  done.opcode = kDone;
  done.harmful = 1;
  done.arguments = done.mask = std::string_view("\0\0\0\0", 4);
  done.name = "wl_callback";
  script_.events.push_back(done);
  const auto found = std::find_if(script_.deleted.begin(), script_.deleted.end(),
                                  [&](const Deleted& deleted) { return deleted.id == place.made; });
  if (found == script_.deleted.end())
    script_.deleted.push_back({place.made, 1});
  else
    ++found->count;
}

}  // namespace thaw::session::wayland
