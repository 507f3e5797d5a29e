// What of a conversation with a compositor a launch can have again: every request, with what the
// compositor must have said before it, and the events that the app has had, without what belongs to
// their moment (serials, times).
#include "session/wayland/wayland.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "session/record/recorder.h"
#include "session/record/wayland_arguments.h"
#include "session/record/wayland_input.h"
#include "session/record/wayland_requests.h"
#include "session/record/wayland_tables.h"
#include "session/record/wayland_told.h"
#include "session/shared_content.h"
#include "session/wayland/message.h"
#include "session/wayland/script.h"

namespace thaw::session::wayland {
namespace {

constexpr size_t kMostRequests = 65536;  ///< a launch would take too long
constexpr std::string_view kFeedback = "wp_presentation_feedback";
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
  bool late = false;         ///< a launch makes it after all others
  bool of_output = false;    ///< an output, or made of it
  uint32_t configured = 0, acknowledged = 0;  ///< serials
};

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

  void from_server(std::string& bytes, std::span<const UniqueFd> fds) override {
    from_server_.append(bytes);
    for (const UniqueFd& fd : fds) shared_.emplace_back(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    Message message;
    bytes.clear();
    while (next(from_server_, message))
      if (!is_withheld(message)) {
        server_sent(message);
        bytes += current_;
      }
    if (refusal_.why.empty()) return;
    bytes += from_server_;  // There will be no image: the app has all.
    from_server_.clear();
  }

  [[nodiscard]] Result<void> check_rest() const override {
    const std::string lengthen = "lengthen `settle`";
    if (!from_app_.empty() || !from_server_.empty())
      return Error{EAGAIN, "in the middle of a message", lengthen};
    for (const auto& [id, request] : callbacks_)
      if (word_at(requests_[request], 0) == kDisplay)
        return Error{EAGAIN, "and waits for an answer", lengthen};
    for (const auto& [id, object] : objects_) {
      if (object.destroyed)
        return Error{EAGAIN,
                     "which has not freed " + std::string(object.interface->name) + " " +
                         std::to_string(id) + " yet",
                     lengthen};
      // It would acknowledge a serial of its warm-up after the launch.
      if (object.configured != object.acknowledged)
        return Error{EAGAIN, "and has not acknowledged a configure yet", lengthen};
    }
    return {};
  }

  Result<Recorded> recorded(pid_t, std::span<const pid_t>, std::string_view untold) override {
    if (!refusal_.why.empty()) return Error{0, refusal_.why, refusal_.remedy};
    if (!comes_later(untold)) return Error{EAGAIN, "with events on their way", "lengthen `settle`"};
    THAW_TRY(check_rest());
    Script script;
    script.next_id = next_id_;
    script.output = output_fixed_ ? 0 : output_;
    THAW_TRY(requests_.write(script, [this](size_t request) { return pool_lives(request); }));
    script.events = told_.events(
        [this](uint32_t object, uint32_t generation) { return state_of(object, generation); });
    for (const auto& [id, count] : deletions_of_launch()) script.deleted.push_back({id, count});
    Recorded result;
    result.script = write_script(script);
    result.note = std::to_string(script.requests.size()) + " requests made again, " +
                  std::to_string(shown()) + (shown() == 1 ? " surface" : " surfaces");
    return result;
  }

 private:
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
    Requests::Kept kept;
    kept.bytes = current_;
    kept.names = named_objects(message, arguments);
    kept.late = is_late(kept.names, signature);
    if (!read_request(message, interface, signature, arguments, kept.request)) return;
    kept.request.of_output = names_output(kept.names) ? 1 : 0;
    add_objects(message, signature, arguments, kept);
    // Something else that depends on it, or has depended.
    if (kept.request.of_output != 0 &&
        (signature.destroys || (kept.request.made == 0 && !objects_[message.object].of_output)))
      output_fixed_ = true;
    requests_.add(std::move(kept));
    if (signature.destroys) destroy(message.object);
  }

  static std::vector<uint32_t> named_objects(const Message& message, const Arguments& arguments) {
    std::vector<uint32_t> names = {message.object};
    for (const Arguments::One& one : arguments.all)
      if (one.letter == 'o') names.push_back(one.word);
    return names;
  }

  [[nodiscard]] bool is_late(const std::vector<uint32_t>& names, const Signature& signature) const {
    return wayland::is_late(signature.made) || any_is(names, &Object::late);
  }

  [[nodiscard]] bool names_output(const std::vector<uint32_t>& names) const {
    return any_is(names, &Object::of_output);
  }

  [[nodiscard]] bool any_is(const std::vector<uint32_t>& names, bool Object::*what) const {
    return std::any_of(names.begin(), names.end(), [&](uint32_t name) {
      const auto found = objects_.find(name);
      return found != objects_.end() && found->second.*what;
    });
  }

  void destroy(uint32_t id) {
    Object& object = objects_[id];
    object.destroyed = true;
    if (!object.late) return;
    requests_.drop(id);
    told_.forget(id, object.generation);
  }

  /// What a launch has to know of it. False: it is refused.
  bool read_request(const Message& message, const Interface& interface, const Signature& signature,
                    const Arguments& arguments, Request& request) {
    for (const Arguments::One& one : arguments.all) {
      if (one.letter == 'S' && !read_serial(message.object, interface, signature, one, request))
        return false;
      if (one.letter == 'h' && !read_memory(interface, signature, arguments, request)) return false;
    }
    if (signature.arguments.find('N') != std::string_view::npos) {
      request.kind = Request::Kind::bind;
      request.number = word_at(message.arguments, 0);
    }
    return true;
  }

  bool read_serial(uint32_t object, const Interface& interface, const Signature& signature,
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
    objects_[object].acknowledged = one.word;
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
                   Requests::Kept& kept) {
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
      made.pool = kept.request.kind == Request::Kind::pool ? requests_.size()
                                                           : objects_[message.object].pool;
      made.late = kept.late;
      if (made.interface->name == "wl_output") {
        output_fixed_ |= output_ != 0;
        output_ = one.word;
        kept.request.of_output = 1;
      }
      made.of_output = kept.request.of_output != 0;
      if (made.late) keep_place(one.word, made.generation++);
      kept.request.made = one.word;
      kept.request.deletions = made.generation;
      next_id_ = std::max(next_id_, one.word + 1);
      if (made.interface->name == "wl_callback" || made.interface->name == kFeedback)
        callbacks_[one.word] = requests_.size();
      objects_[one.word] = made;
      may_be_told(one.word, made);
    }
  }

  /// Ids are given in their order: something that ends by itself has that of a late object before it.
  void keep_place(uint32_t id, uint32_t generation) {
    Requests::Kept kept;
    kept.bytes = make_message(kDisplay, kSync, id);
    kept.names = {kDisplay};
    kept.request.made = id;
    kept.request.deletions = generation;
    requests_.add(std::move(kept));
    may_be_done(id, generation);
  }

  /// That nothing is selected, to which no app that was told of no selection would object; and the question whether the app
  /// answers, which a launch answers for it.
  void may_be_told(uint32_t id, const Object& object) {
    const auto& events = object.interface->events;
    const auto may_tell = [&](uint32_t opcode, char mask) {
      told_.may_tell({id, object.generation, opcode}, *object.interface,
                     {std::string(4, '\0'), std::string(4, mask)});
    };
    for (uint32_t opcode = 0; opcode < events.size(); ++opcode) {
      if (events[opcode].name == "selection" && events[opcode].arguments == "o")
        may_tell(opcode, '\xff');
      if (is_ping(events[opcode])) may_tell(opcode, '\0');
    }
  }

  /// Input, and what the compositor has made for it.
  bool is_withheld(const Message& message) {
    if (withheld_.contains(message.object)) return true;
    const auto found = objects_.find(message.object);
    if (found == objects_.end()) return false;
    const Interface& interface = *found->second.interface;
    if (message.opcode >= interface.events.size()) return false;
    const Signature& signature = interface.events[message.opcode];
    if (!wayland::is_withheld(interface.name, signature.name) ||
        signature.arguments.find('h') != std::string_view::npos)
      return false;
    Arguments arguments;
    if (!read_arguments(message.arguments, signature, arguments)) return false;
    for (const Arguments::One& one : arguments.all)
      if (one.letter == 'n') withheld_.insert(one.word);
    return true;
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
    Told::Variant variant = {std::string(message.arguments), std::move(arguments.mask)};
    variant.of_output = names_output(named_objects(message, arguments));
    if (signature.arguments.find_first_of("hnN") != std::string_view::npos &&
        !read_shared(interface, signature, arguments, variant))
      return refuse("and was given a descriptor or an object by " + name_of(interface, signature) +
                    ", which thaw cannot compare yet");
    if (is_input(interface) && signature.arguments.find('S') != std::string_view::npos)
      return refuse("and had input in its warm-up (" + name_of(interface, signature) + ")",
                    "keep the pointer and the keyboard's focus away from it");
    if (is_ping(signature)) return;
    if (object->late && object->destroyed) return;
    if (interface.name == kFeedback && signature.destroys)
      return presented(message.object, object->generation);
    if (interface.name == "wl_callback") completed(message.object);
    if (signature.name == "configure" && signature.arguments.starts_with('S'))
      object->configured = arguments.all[0].word;
    told_.tell({message.object, object->generation, message.opcode}, interface, std::move(variant));
  }

  /// What a descriptor holds that the app was given.
  bool read_shared(const Interface& interface, const Signature& signature,
                   const Arguments& arguments, Told::Variant& variant) {
    if (interface.name != "wl_keyboard" || signature.name != "keymap" || shared_.empty())
      return false;
    variant.shared = shared_content(shared_.front().get(), arguments.all.back().word);
    shared_.pop_front();
    return variant.shared != 0;
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
    std::string& bytes = requests_[found->second];
    objects_[callback].destroyed = true;
    if (word_at(bytes, 0) != kDisplay) bytes = make_message(kDisplay, kSync, callback);
    callbacks_.erase(found);
  }

  /// When a frame was shown is of its moment, and a launch shows only the last one.
  void presented(uint32_t feedback, uint32_t generation) {
    completed(feedback);
    told_.forget(feedback, generation);
    may_be_done(feedback, generation);
  }

  void may_be_done(uint32_t callback, uint32_t generation) {
    told_.may_tell({callback, generation, kDone}, *find_interface("wl_callback"),
                   {std::string(4, '\0'), std::string(4, '\0')});
  }

  /// Whether it is only the end of frames: a launch waits for them again, and so does the app.
  [[nodiscard]] bool comes_later(std::string_view bytes) {
    Message message;
    for (; !bytes.empty(); bytes.remove_prefix(message.size)) {
      if (parse(bytes, message) != Parsed::whole) return false;
      if (is_withheld(message)) continue;
      const bool frees = message.object == kDisplay && message.opcode == kDeleteId;
      const auto callback = callbacks_.find(frees ? word_at(message.arguments, 0) : message.object);
      if (callback == callbacks_.end() || word_at(requests_[callback->second], 0) == kDisplay)
        return false;
    }
    return true;
  }

  /// Whether something is left of the pool that this request made.
  [[nodiscard]] bool pool_lives(size_t request) const {
    return std::any_of(objects_.begin(), objects_.end(), [request](const auto& one) {
      return one.second.pool == request && !one.second.destroyed;
    });
  }

  [[nodiscard]] Told::State state_of(uint32_t id, uint32_t generation) const {
    const auto object = objects_.find(id);
    const bool lives = object != objects_.end() && object->second.generation == generation &&
                       !object->second.destroyed;
    return {lives, lives && object->second.late, lives && object->second.of_output};
  }

  /// With those that keep the places of late objects.
  [[nodiscard]] std::map<uint32_t, uint32_t> deletions_of_launch() const {
    std::map<uint32_t, uint32_t> deletions = deletions_;
    for (const auto& [id, object] : objects_)
      if (object.late) ++deletions[id];
    return deletions;
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
  Requests requests_;
  Told told_;
  std::deque<UniqueFd> shared_;  ///< descriptors that have come from the server, before their event
  std::set<uint32_t> withheld_;  ///< objects that the app was not told of
  uint32_t next_id_ = kDisplay + 1;
  uint32_t output_ = 0;        ///< the last one that the app has bound
  bool output_fixed_ = false;  ///< it cannot be another in a launch
  Reason refusal_;
};

}  // namespace

std::unique_ptr<Recorder> record() {
  return std::make_unique<WaylandRecorder>();
}

}  // namespace thaw::session::wayland
