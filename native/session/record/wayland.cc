// What of a conversation with a compositor a launch can have again: every request, with what the
// compositor must have said before it, and the events that the app has had, without what belongs to
// their moment (serials, times).
#include "session/wayland/wayland.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <tuple>

#include "session/record/recorder.h"
#include "session/record/wayland_tables.h"
#include "session/wayland/message.h"
#include "session/wayland/script.h"

namespace thaw::session::wayland {
namespace {

constexpr size_t kMostRequests = 65536;  ///< a launch would take too long
constexpr const char* kEarlier =
    "checkpoint before it connects: warmup.until = { connect = \"wayland-0\" }";

struct Memory {
  uint64_t device = 0, inode = 0;
};

struct Object {
  const Interface* interface = nullptr;
  uint32_t generation = 0;
  bool destroyed = false;
  size_t pool = ~size_t{0};  ///< the request that made the pool, of pools and their buffers
};

/// What an object was told by one of its events.
struct Told {
  struct Variant {
    std::string arguments, mask;
  };
  std::vector<Variant> variants;
  size_t last = 0;
  uint32_t count = 0;
  const Signature* signature = nullptr;
  const Interface* interface = nullptr;
};

/// A message's arguments as its signature has them.
struct Arguments {
  struct One {
    char letter = 0;
    size_t at = 0;  ///< of its word
    uint32_t word = 0;
    std::string_view text;
  };
  std::vector<One> all;
  std::string mask;
};

bool read_arguments(std::string_view bytes, const Signature& signature, Arguments& out) {
  size_t at = 0;
  out.mask.assign(bytes.size(), '\xff');
  const auto word = [&](char letter) {
    if (at + 4 > bytes.size()) return false;
    out.all.push_back({letter, at, word_at(bytes, at), {}});
    if (letter == 'S' || letter == 'T') out.mask.replace(at, 4, 4, '\0');
    at += 4;
    return true;
  };
  const auto text = [&](char letter) {
    if (!word(letter)) return false;
    const size_t size = out.all.back().word;
    if (size > bytes.size() - at) return false;
    out.all.back().text = bytes.substr(at, letter == 's' && size > 0 ? size - 1 : size);
    at = std::min(bytes.size(), at + (size + 3) / 4 * 4);
    return true;
  };
  for (const char letter : signature.arguments) {
    if (letter == 'h') {
      out.all.push_back({letter, at, 0, {}});
    } else if (letter == 'N') {
      if (!text('s') || !word('u') || !word('N')) return false;
    } else if (!(letter == 's' || letter == 'a' ? text(letter) : word(letter))) {
      return false;
    }
  }
  return at == bytes.size();
}

class WaylandRecorder : public Recorder {
 public:
  WaylandRecorder() { objects_[kDisplay] = {find_interface("wl_display")}; }

  void from_app(std::string_view bytes, std::span<const UniqueFd> fds) override {
    from_app_.append(bytes);
    for (const UniqueFd& fd : fds) {
      struct stat status = {};
      fstat(fd.get(), &status);
      memories_.push_back({status.st_dev, status.st_ino});
    }
    Message message;
    while (next(from_app_, message)) app_sent(message);
  }

  void from_server(std::string_view bytes, std::span<const UniqueFd>) override {
    from_server_.append(bytes);
    Message message;
    while (next(from_server_, message)) server_sent(message);
  }

  Result<Recorded> recorded(pid_t, std::string_view untold) override {
    if (!refusal_.why.empty()) return Error{0, refusal_.why, refusal_.remedy};
    if (!comes_later(untold)) return Error{EAGAIN, "with events on their way", "lengthen `settle`"};
    THAW_TRY(check_rest());
    Script script;
    script.next_id = next_id_;
    for (const Kept& kept : requests_) script.requests.push_back(request_of(kept));
    for (const auto& [key, told] : told_) add_events(key, told, script.events);
    for (const auto& [id, count] : deletions_) script.deleted.push_back({id, count});
    Recorded result;
    result.script = write_script(script);
    result.note = std::to_string(script.requests.size()) + " requests made again, " +
                  std::to_string(shown()) + (shown() == 1 ? " surface" : " surfaces");
    return result;
  }

 private:
  using Key = std::tuple<uint32_t, uint32_t, uint32_t>;  // object, generation, opcode

  /// A request, its bytes with it.
  struct Kept {
    Request request;
    std::string bytes;
  };

  void refuse(const std::string& why, const std::string& remedy = kEarlier) {
    if (refusal_.why.empty()) refusal_ = {why, remedy};
  }

  bool next(std::string& from, Message& message) {
    if (!refusal_.why.empty()) return false;
    const Parsed parsed = parse(from, message);
    if (parsed == Parsed::broken) refuse("with what is no message of Wayland");
    if (parsed != Parsed::whole) return false;
    current_ = from.substr(0, message.size);
    from.erase(0, message.size);
    return parse(current_, message) == Parsed::whole;
  }

  Object* object_of(const Message& message) {
    const auto found = objects_.find(message.object);
    if (found != objects_.end()) return &found->second;
    refuse("and speaks of an object that thaw does not know (" + std::to_string(message.object) +
           ")");
    return nullptr;
  }

  static std::string name_of(const Interface& interface, const Signature& signature) {
    return std::string(interface.name) + "." + std::string(signature.name);
  }

  void app_sent(const Message& message) {
    Object* object = object_of(message);
    if (object == nullptr) return;
    const Interface& interface = *object->interface;
    Arguments arguments;
    if (message.opcode >= interface.requests.size() ||
        !read_arguments(message.arguments, interface.requests[message.opcode], arguments))
      return refuse("with a request of " + std::string(interface.name) +
                    " that is newer than what thaw knows");
    const Signature& signature = interface.requests[message.opcode];
    if (signature.name == "pong") return;  // A launch is asked anew.
    if (requests_.size() >= kMostRequests)
      return refuse("and has drawn so much that a launch would take too long",
                    "a shorter warm-up (settle)");
    Kept kept;
    kept.bytes = current_;
    if (!read_request(message, interface, signature, arguments, kept.request)) return;
    add_objects(message, signature, arguments, kept.request);
    if (signature.destroys) objects_[message.object].destroyed = true;
    requests_.push_back(std::move(kept));
  }

  /// What a launch has to know of it. False: it is refused.
  bool read_request(const Message& message, const Interface& interface, const Signature& signature,
                    const Arguments& arguments, Request& request) {
    for (const Arguments::One& one : arguments.all) {
      if (one.letter == 'S' && !read_serial(interface, signature, one, request)) return false;
      if (one.letter == 'h' && !read_memory(interface, signature, arguments, request)) return false;
    }
    if (signature.arguments.find('N') != std::string_view::npos) {
      request.kind = Request::Kind::bind;
      request.number = word_at(message.arguments, 0);
    }
    return true;
  }

  bool read_serial(const Interface& interface, const Signature& signature,
                   const Arguments::One& one, Request& request) {
    const auto& events = interface.events;
    const auto configure = std::find_if(events.begin(), events.end(), [](const Signature& event) {
      return event.name == "configure" && event.arguments.starts_with('S');
    });
    if (signature.name != "ack_configure" || configure == events.end() || one.at != 0) {
      refuse("and has called " + name_of(interface, signature) +
             " with the serial of an event, which another launch has not");
      return false;
    }
    request.kind = Request::Kind::ack;
    request.number = static_cast<uint32_t>(configure - events.begin());
    request.offset = 0;
    return true;
  }

  bool read_memory(const Interface& interface, const Signature& signature,
                   const Arguments& arguments, Request& request) {
    if (memories_.empty() || signature.name != "create_pool" || interface.name != "wl_shm") {
      refuse("and has passed a descriptor by " + name_of(interface, signature) +
                 ", which no launch can pass again",
             "let it draw into shared memory (software rendering), or " + std::string(kEarlier));
      return false;
    }
    request.kind = Request::Kind::pool;
    request.device = memories_.front().device;
    request.inode = memories_.front().inode;
    request.number = arguments.all.back().word;
    memories_.pop_front();
    return true;
  }

  void add_objects(const Message& message, const Signature& signature, const Arguments& arguments,
                   Request& request) {
    std::string_view name = signature.made;
    for (const Arguments::One& one : arguments.all) {
      if (one.letter == 's') name = one.text;
      if (one.letter != 'n' && one.letter != 'N') continue;
      Object made;
      made.interface = find_interface(one.letter == 'n' ? signature.made : name);
      if (made.interface == nullptr)
        return refuse("and uses " + std::string(name) + ", which thaw does not know",
                      "an app that uses a GPU: software rendering, or " + std::string(kEarlier));
      made.generation = deletions_.contains(one.word) ? deletions_[one.word] : 0;
      made.pool =
          request.kind == Request::Kind::pool ? requests_.size() : objects_[message.object].pool;
      request.made = one.word;
      request.deletions = made.generation;
      next_id_ = std::max(next_id_, one.word + 1);
      if (made.interface->name == "wl_callback") callbacks_[one.word] = requests_.size();
      objects_[one.word] = made;
    }
  }

  void server_sent(const Message& message) {
    Object* object = object_of(message);
    if (object == nullptr) return;
    const Interface& interface = *object->interface;
    Arguments arguments;
    if (message.opcode >= interface.events.size() ||
        !read_arguments(message.arguments, interface.events[message.opcode], arguments))
      return refuse("which has sent an event of " + std::string(interface.name) +
                    " that is newer than what thaw knows");
    const Signature& signature = interface.events[message.opcode];
    if (message.object == kDisplay)
      return message.opcode == kDeleteId ? freed(arguments.all[0].word)
                                         : refuse("which has complained");
    if (signature.arguments.find_first_of("hnN") != std::string_view::npos)
      return refuse("and was given a descriptor or an object by " + name_of(interface, signature) +
                    ", which thaw cannot compare yet");
    if (is_input(interface) && signature.arguments.find('S') != std::string_view::npos)
      return refuse("and had input in its warm-up (" + name_of(interface, signature) + ")",
                    "keep the pointer and the keyboard's focus away from it");
    if (signature.name == "ping") return;
    if (interface.name == "wl_callback") completed(message.object);
    tell({message.object, object->generation, message.opcode}, interface, signature,
         message.arguments, std::move(arguments.mask));
  }

  static bool is_input(const Interface& interface) {
    return interface.name == "wl_pointer" || interface.name == "wl_keyboard" ||
           interface.name == "wl_touch" || interface.name.find("tablet") != std::string_view::npos;
  }

  void freed(uint32_t id) {
    ++deletions_[id];
    objects_.erase(id);
    callbacks_.erase(id);
  }

  /// A frame that was shown need not be waited for again: another call with the same end stands for
  /// its callback.
  void completed(uint32_t callback) {
    const auto found = callbacks_.find(callback);
    if (found == callbacks_.end()) return;
    Kept& kept = requests_[found->second];
    objects_[callback].destroyed = true;
    if (word_at(kept.bytes, 0) != kDisplay) kept.bytes = make_message(kDisplay, kSync, callback);
    callbacks_.erase(found);
  }

  void tell(const Key& key, const Interface& interface, const Signature& signature,
            std::string_view arguments, std::string mask) {
    Told& told = told_[key];
    told.interface = &interface;
    told.signature = &signature;
    ++told.count;
    Told::Variant variant = {std::string(arguments), std::move(mask)};
    for (size_t i = 0; i < variant.arguments.size(); ++i)
      if (variant.mask[i] == 0) variant.arguments[i] = '\0';
    const auto found =
        std::find_if(told.variants.begin(), told.variants.end(),
                     [&](const Told::Variant& one) { return one.arguments == variant.arguments; });
    told.last = static_cast<size_t>(found - told.variants.begin());
    if (found == told.variants.end()) told.variants.push_back(std::move(variant));
  }

  /// Whether it is only the end of frames: a launch waits for them again, and so does the app.
  [[nodiscard]] bool comes_later(std::string_view bytes) const {
    Message message;
    for (; !bytes.empty(); bytes.remove_prefix(message.size)) {
      if (parse(bytes, message) != Parsed::whole) return false;
      const bool frees = message.object == kDisplay && message.opcode == kDeleteId;
      const auto callback = callbacks_.find(frees ? word_at(message.arguments, 0) : message.object);
      if (callback == callbacks_.end() || word_at(requests_[callback->second].bytes, 0) == kDisplay)
        return false;
    }
    return true;
  }

  /// What is on its way.
  [[nodiscard]] Result<void> check_rest() const {
    const std::string lengthen = "lengthen `settle`";
    if (!from_app_.empty() || !from_server_.empty())
      return Error{EAGAIN, "in the middle of a message", lengthen};
    for (const auto& [id, request] : callbacks_)
      if (word_at(requests_[request].bytes, 0) == kDisplay)
        return Error{EAGAIN, "and waits for an answer", lengthen};
    for (const auto& [id, object] : objects_)
      if (object.destroyed) return Error{EAGAIN, "which has not freed an object yet", lengthen};
    return {};
  }

  [[nodiscard]] Request request_of(const Kept& kept) const {
    Request request = kept.request;
    request.bytes = kept.bytes;
    if (request.kind != Request::Kind::pool) return request;
    const auto index = static_cast<size_t>(&kept - requests_.data());
    const bool lives = std::any_of(objects_.begin(), objects_.end(), [index](const auto& one) {
      return one.second.pool == index && !one.second.destroyed;
    });
    request.dead = lives ? 0 : 1;
    return request;
  }

  void add_events(const Key& key, const Told& told, std::vector<Event>& events) const {
    const auto& [id, generation, opcode] = key;
    const auto object = objects_.find(id);
    const bool lives = object != objects_.end() && object->second.generation == generation &&
                       !object->second.destroyed;
    const bool global = told.interface->name == "wl_registry" && told.signature->name == "global";
    const bool counted = told.signature->name == "release";
    for (const Told::Variant& variant : told.variants) {
      Event event;
      event.object = id;
      event.generation = generation;
      event.opcode = opcode;
      event.count = told.count;
      event.needed = global && lives ? 1 : 0;
      event.counted = counted && lives ? 1 : 0;
      event.last = lives && !global && !counted && &variant == &told.variants[told.last] ? 1 : 0;
      event.harmful = global || told.interface->name == "wl_callback" ? 1 : 0;
      event.arguments = variant.arguments;
      event.mask = variant.mask;
      event.name = told.interface->name;
      events.push_back(event);
    }
  }

  [[nodiscard]] size_t shown() const {
    return static_cast<size_t>(std::count_if(objects_.begin(), objects_.end(), [](const auto& one) {
      return one.second.interface->name == "wl_surface";
    }));
  }

  std::string from_app_, from_server_, current_;
  std::deque<Memory> memories_;  ///< behind descriptors that have come, before their request
  std::map<uint32_t, Object> objects_;
  std::map<uint32_t, uint32_t> deletions_;
  std::map<uint32_t, size_t> callbacks_;  ///< that are still to come: the request of each
  std::vector<Kept> requests_;
  std::map<Key, Told> told_;
  uint32_t next_id_ = kDisplay + 1;
  Reason refusal_;
};

}  // namespace

std::unique_ptr<Recorder> record() {
  return std::make_unique<WaylandRecorder>();
}

}  // namespace thaw::session::wayland
