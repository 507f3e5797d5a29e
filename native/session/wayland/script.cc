#include "session/wayland/script.h"

#include "session/script_bytes.h"

namespace thaw::session::wayland {
namespace {

struct Head {
  uint32_t next_id = 0, requests = 0, first_late = 0, output = 0, events = 0, deleted = 0;
};

struct RequestHead {
  uint32_t kind = 0, number = 0, offset = 0, made = 0, deletions = 0, dead = 0, of_output = 0,
           reserved = 0;
  uint64_t device = 0, inode = 0;
  uint64_t size = 0;
};

struct EventHead {
  uint32_t object = 0, generation = 0, opcode = 0, count = 0, last = 0, needed = 0, counted = 0,
           harmful = 0, late = 0, of_output = 0, pong = 0, reserved = 0;
  uint32_t size = 0, name = 0;
  uint64_t shared = 0;
};

bool read_request(Rest& rest, Request& request) {
  RequestHead head;
  if (!rest.record(head) || head.kind > static_cast<uint32_t>(Request::Kind::last)) return false;
  request.kind = static_cast<Request::Kind>(head.kind);
  request.number = head.number;
  request.offset = head.offset;
  request.made = head.made;
  request.deletions = head.deletions;
  request.dead = head.dead;
  request.of_output = head.of_output;
  request.device = head.device;
  request.inode = head.inode;
  return rest.text(head.size, request.bytes);
}

bool read_event(Rest& rest, Event& event) {
  EventHead head;
  if (!rest.record(head)) return false;
  event.object = head.object;
  event.generation = head.generation;
  event.opcode = head.opcode;
  event.count = head.count;
  event.last = head.last;
  event.needed = head.needed;
  event.counted = head.counted;
  event.harmful = head.harmful;
  event.late = head.late;
  event.of_output = head.of_output;
  event.pong = head.pong;
  event.shared = head.shared;
  return rest.text(head.size, event.arguments) && rest.text(head.size, event.mask) &&
         rest.text(head.name, event.name);
}

}  // namespace

std::string write_script(const Script& script) {
  std::string bytes;
  append(bytes, Head{script.next_id, static_cast<uint32_t>(script.requests.size()),
                     script.first_late, script.output, static_cast<uint32_t>(script.events.size()),
                     static_cast<uint32_t>(script.deleted.size())});
  for (const Request& r : script.requests) {
    append(bytes,
           RequestHead{static_cast<uint32_t>(r.kind), r.number, r.offset, r.made, r.deletions,
                       r.dead, r.of_output, 0, r.device, r.inode, r.bytes.size()});
    bytes.append(r.bytes);
  }
  for (const Event& e : script.events) {
    append(bytes, EventHead{e.object, e.generation, e.opcode, e.count, e.last, e.needed, e.counted,
                            e.harmful, e.late, e.of_output, e.pong, 0,
                            static_cast<uint32_t>(e.arguments.size()),
                            static_cast<uint32_t>(e.name.size()), e.shared});
    bytes.append(e.arguments).append(e.mask).append(e.name);
  }
  for (const Deleted& deleted : script.deleted) append(bytes, deleted);
  return bytes;
}

bool read_script(std::string_view bytes, Script& script) {
  Rest rest = {bytes};
  Head head;
  const size_t most = bytes.size();
  if (!rest.record(head) || head.requests > most / sizeof(RequestHead) ||
      head.events > most / sizeof(EventHead) || head.deleted > most / sizeof(Deleted))
    return false;
  if (head.first_late > head.requests) return false;
  script.next_id = head.next_id;
  script.first_late = head.first_late;
  script.output = head.output;
  script.requests.resize(head.requests);
  for (Request& request : script.requests)
    if (!read_request(rest, request)) return false;
  script.events.resize(head.events);
  for (Event& event : script.events)
    if (!read_event(rest, event)) return false;
  script.deleted.resize(head.deleted);
  for (Deleted& deleted : script.deleted)
    if (!rest.record(deleted)) return false;
  return rest.bytes.empty();
}

}  // namespace thaw::session::wayland
