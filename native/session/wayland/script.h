// The script of a conversation with a compositor, as an image holds it: the requests that a launch
// makes, and the events that the app knows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::session::wayland {

struct Request {
  enum class Kind : uint32_t {
    plain,
    bind,  ///< of the global `number`, which must have been told of
    ack,   ///< of the last serial of the object's event `number`, at `offset` of its arguments
    pool,  ///< with a descriptor of the memory of that device and inode, of `number` bytes
    last = pool,
  };
  Kind kind = Kind::plain;
  uint32_t number = 0, offset = 0;
  uint32_t made = 0;       ///< id of an object that it makes, 0: none
  uint32_t deletions = 0;  ///< how often the compositor must have said that this id is free
  uint32_t dead = 0;       ///< 1: the pool and all of its buffers are gone
  uint32_t of_output = 0;  ///< 1: makes Script::output, or something of it
  uint64_t device = 0, inode = 0;
  std::string_view bytes;
};

struct Event {
  uint32_t object = 0;
  uint32_t generation = 0;  ///< how often the object's id was free again before
  uint32_t opcode = 0;
  uint32_t count = 0;      ///< how often it came to an object that lives
  uint32_t last = 0;       ///< 1: the last of its opcode that the app has had
  uint32_t needed = 0;     ///< 1: needed, whichever was the last (wl_registry.global)
  uint32_t counted = 0;    ///< 1: as often as `count` (wl_buffer.release)
  uint32_t harmful = 0;    ///< 1: must not come to the app a second time
  uint32_t late = 0;       ///< 1: of an object that a late request makes
  uint32_t of_output = 0;  ///< 1: tells of Script::output
  uint32_t pong = 0;       ///< 1 + the opcode of the answer to it, with its serial; 0: none
  uint64_t shared = 0;     ///< shared_content() of the descriptor with it, 0: has none
  std::string_view arguments, mask;  ///< of equal size; mask 0: any byte
  std::string_view name;
};

/// An id that the compositor has said to be free.
struct Deleted {
  uint32_t id = 0, count = 0;
};

struct Script {
  uint32_t next_id = 0;     ///< the one behind all that the app has used
  uint32_t first_late = 0;  ///< the first of the requests that are made after all is settled
  uint32_t output = 0;      ///< the one that may be another in a launch (other_output.h), 0: none
  std::vector<Request> requests;
  std::vector<Event> events;  ///< by object, generation and opcode
  std::vector<Deleted> deleted;
};

std::string write_script(const Script& script);

/// Whether the bytes are a script. What it holds lies in `bytes`.
bool read_script(std::string_view bytes, Script& script);

}  // namespace thaw::session::wayland
