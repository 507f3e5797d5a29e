#include "session/record/wayland_requests.h"

#include <algorithm>

namespace thaw::session::wayland {

void Requests::drop(uint32_t id) {
  for (Kept& kept : kept_) {
    if (!kept.late || kept.dropped) continue;
    kept.dropped = kept.request.made == id || kept.names.front() == id;
    kept.orphan |= std::find(kept.names.begin(), kept.names.end(), id) != kept.names.end();
  }
}

Request Requests::request_of(size_t index, const std::function<bool(size_t)>& lives) const {
  Request request = kept_[index].request;
  request.bytes = kept_[index].bytes;
  if (request.kind == Request::Kind::pool) request.dead = lives(index) ? 0 : 1;
  return request;
}

Result<void> Requests::write(Script& script, const std::function<bool(size_t)>& lives) const {
  for (const bool late : {false, true}) {
    if (late) script.first_late = static_cast<uint32_t>(script.requests.size());
    for (size_t i = 0; i < kept_.size(); ++i) {
      const Kept& kept = kept_[i];
      if (kept.late != late || kept.dropped) continue;
      if (kept.orphan)
        return Error{0, "and has given back a device of its seat that it has other objects of",
                     "checkpoint before it connects: warmup.until = { connect = \"wayland-0\" }"};
      script.requests.push_back(request_of(i, lives));
    }
  }
  return {};
}

}  // namespace thaw::session::wayland
