// A launch makes the app's requests again. Object ids are the app's own and stay; an id that was
// used twice is used again when the compositor has said that it is free. Every event must be one
// that the app knows. From the first that it does not know on, all stay in the socket for it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "session/shared_content.h"
#include "session/wayland/message.h"
#include "session/wayland/other_output.h"
#include "session/wayland/script.h"
#include "session/wayland/wayland.h"
#include "support/unique_fd.h"

namespace thaw::session::wayland {
namespace {

class Play {
 public:
  Play(Playing& playing, const Script& script)
      : playing_(playing), script_(script), state_(script.events.size()) {
    for (size_t i = 0; i < state_.size(); ++i)
      state_[i].first =
          i > 0 && same_kind(script.events[i - 1], script.events[i]) ? state_[i - 1].first : i;
    for (const Request& request : script.requests)
      if (request.kind == Request::Kind::ack)
        acknowledged_[{word_at(request.bytes, 0), request.number}] = &request;
  }

  Result<void> run() {
    const std::span requests(script_.requests);
    for (const Request& request : requests.first(script_.first_late)) THAW_TRY(make(request));
    batch_ += make_message(kDisplay, kSync, script_.next_id);
    THAW_TRY(flush());
    THAW_TRY(await([this] { return fence_freed_ && is_settled(); }));
    for (const auto& [object, ack] : acks_)
      if (ack.serial != ack.acked) batch_ += make_message(object, ack.opcode, ack.serial);
    for (const Request& request : requests.subspan(script_.first_late)) THAW_TRY(make(request));
    THAW_TRY(flush());
    return kept_ > 0 ? Result<void>() : hear_late();
  }

  /// Why it has failed: another conversation may succeed.
  [[nodiscard]] bool is_told_otherwise() const { return told_otherwise_; }
  [[nodiscard]] bool output_differs() const { return output_differs_; }

 private:
  /// What is known of an Event of the script: of its kind (object, generation, opcode) in the first
  /// one of that kind.
  struct State {
    uint32_t came = 0;
    uint32_t of_kind = 0;
    size_t last = ~size_t{0};
    size_t first = 0;  ///< of its kind: all of one kind follow each other
    bool heard = false;
  };
  struct Ack {
    uint32_t opcode = 0;
    uint32_t serial = 0, acked = 0;
    bool told = false;
  };

  Result<void> flush() {
    auto sent = playing_.stream.send(batch_);
    batch_.clear();
    return sent;
  }

  /// Takes what the late requests are answered with, if it is what the app knows. What comes behind
  /// that is new to it. If anything differs, all stays: hearing again what it knows does no harm.
  Result<void> hear_late() {
    for (;;) {
      THAW_ASSIGN(heard, known_late());
      if (heard.differs) return {};
      if (is_late_settled()) {
        // A descriptor that belongs to what comes behind would be lost with what it came with.
        const bool all = heard.fds == playing_.stream.seen_fds().size();
        return all && heard.bytes > 0 ? playing_.stream.take(heard.bytes) : Result<void>();
      }
      if (auto more = playing_.stream.see_more(); !more) return explained(more.error(), 1);
    }
  }

  struct Heard {
    size_t bytes = 0;  ///< from the beginning to where all that is expected has come
    size_t fds = 0;
    bool differs = false;
  };
  Result<Heard> known_late() {
    for (State& state : state_) state.heard = false;
    Message message;
    Heard heard;
    while (!heard.differs && !is_late_settled() &&
           parse(playing_.stream.seen().substr(heard.bytes), message) == Parsed::whole) {
      if (message.object == kDisplay && message.opcode == kError) return complained();
      heard.differs = !hear(message, heard.fds);
      heard.bytes += message.size;
    }
    return heard;
  }

  bool hear(const Message& message, size_t& fds) {
    const size_t first = first_of_kind(message);
    for (size_t i = first; i < script_.events.size() && is_kind(i, message); ++i) {
      const Event& event = script_.events[i];
      if (event.late == 0 || !matches(event, message.arguments)) continue;
      if (event.shared != 0) {
        const auto& seen = playing_.stream.seen_fds();
        const uint32_t size = word_at(message.arguments, message.arguments.size() - 4);
        if (fds >= seen.size() || shared_content(seen[fds].get(), size) != event.shared) continue;
        ++fds;
      }
      state_[first].last = i;
      state_[i].heard = true;
      return true;
    }
    return false;
  }

  [[nodiscard]] bool is_late_settled() const {
    for (size_t i = 0; i < script_.events.size(); ++i)
      if (script_.events[i].late != 0 && script_.events[i].last != 0 && !state_[i].heard)
        return false;
    return true;
  }

  template <typename Condition>
  Result<void> await(const Condition& condition) {
    while (!condition()) {
      if (!batch_.empty()) THAW_TRY(flush());
      THAW_TRY(look());
      if (condition()) break;
      if (auto more = playing_.stream.see_more(); !more) return explained(more.error(), 0);
    }
    return {};
  }

  Error explained(const Error& error, uint32_t late) {
    if (error.err != ETIMEDOUT) return error;
    for (size_t i = 0; i < script_.events.size(); ++i)
      if (script_.events[i].late == late && !is_settled(i))
        return Error{0, "the compositor does not tell of " + std::string(script_.events[i].name) +
                            " as when the image was made"};
    return error;
  }

  Result<void> make(const Request& request) {
    if (request.made != 0 && deletions_[request.made] < request.deletions)
      THAW_TRY(await([&] { return deletions_[request.made] >= request.deletions; }));
    switch (request.kind) {
      case Request::Kind::bind:
        THAW_TRY(await([&] {
          return globals_.contains({word_at(request.bytes, 0), request.number});
        }));
        break;
      case Request::Kind::ack:
        return acknowledge(request);
      case Request::Kind::pool:
        return make_pool(request);
      case Request::Kind::plain:
        break;
    }
    batch_ += request.bytes;
    constexpr size_t kEnough = 4096;  // What compositors read at once.
    return batch_.size() < kEnough ? Result<void>() : flush();
  }

  Result<void> acknowledge(const Request& request) {
    const uint32_t object = word_at(request.bytes, 0);
    Ack& ack = acks_[object];
    ack.opcode = word_at(request.bytes, 4) & 0xffff;
    if (!ack.told) THAW_TRY(await([&] { return ack.told; }));
    if (ack.serial == ack.acked) return {};
    ack.acked = ack.serial;
    batch_ += make_message(object, ack.opcode, ack.serial);
    return {};
  }

  Result<void> make_pool(const Request& request) {
    THAW_TRY(flush());
    auto memory = playing_.memory(request.device, request.inode);
    if (memory) return playing_.stream.send(request.bytes, memory.value());
    if (request.dead == 0) return memory.error();
    // Nothing shows it any more.
    const UniqueFd empty(memfd_create("thaw", MFD_CLOEXEC));
    if (!empty.valid() || ftruncate(empty.get(), request.number) != 0)
      return errno_error("cannot make memory");
    return playing_.stream.send(request.bytes, empty.get());
  }

  /// Takes all that has come.
  Result<void> look() {
    Message message;
    size_t at = kept_, known_until = 0;
    for (;;) {
      const Parsed parsed = parse(playing_.stream.seen().substr(at), message);
      if (parsed == Parsed::broken) return Error{0, "the compositor has sent what is no message"};
      if (parsed == Parsed::partial) break;
      THAW_ASSIGN(known, is_known(message));
      at += message.size;
      if (known && kept_ == 0)
        known_until = at;
      else
        kept_ = at;
      if (!known && !fence_freed_) return otherwise(message);
    }
    if (kept_ > 0) kept_ -= known_until;
    return known_until > 0 ? playing_.stream.take(known_until) : Result<void>();
  }

  Result<bool> is_known(const Message& message) {
    if (message.object == kDisplay && message.opcode == kError) return complained();
    if (message.object == kDisplay && message.opcode == kDeleteId) return is_free(message);
    if (message.object == script_.next_id) return harmless(message.object, true);
    const size_t first = first_of_kind(message);
    for (size_t i = first; i < script_.events.size() && is_kind(i, message); ++i) {
      const Event& event = script_.events[i];
      if (!matches(event, message.arguments)) continue;
      State& kind = state_[first];
      if (event.counted != 0 && kind.of_kind >= event.count) break;
      ++state_[i].came;
      ++kind.of_kind;
      kind.last = i;
      note(event, message);
      // Compositors ask whom the pointer comes to. What waits for the app it answers itself.
      if (event.pong != 0 && kept_ == 0)
        batch_ += make_message(message.object, event.pong - 1, word_at(message.arguments, 0));
      return harmless(message.object, event.harmful != 0);
    }
    return is_one_more_global(message);
  }

  /// An app that was not told of it goes on as on the compositor of its warm-up. A screen or a seat
  /// more it would have to be told of.
  [[nodiscard]] bool is_one_more_global(const Message& message) const {
    constexpr uint32_t kGlobal = 0;
    if (kept_ > 0 || message.opcode != kGlobal) return false;
    bool of_registry = false;
    for (const Event& event : script_.events) {
      if (event.object != message.object || event.opcode != kGlobal) continue;
      if (event.harmful == 0 || event.name != "wl_registry" ||
          word_at(event.arguments, 0) == word_at(message.arguments, 0))
        return false;
      of_registry = true;
    }
    const std::string_view interface(
        message.arguments.substr(std::min<size_t>(8, message.arguments.size())));
    return of_registry && !interface.starts_with("wl_output") && !interface.starts_with("wl_seat");
  }

  static Error complained() { return Error{0, "the compositor has complained"}; }

  /// A second time it would mean something else to the app.
  Result<bool> harmless(uint32_t object, bool harmful) {
    if (!harmful || kept_ == 0) return true;
    return Error{0,
                 "the compositor tells something else than when the image was made, before "
                 "object " +
                     std::to_string(object)};
  }

  /// What is told before all requests are done the app could not have, but after what it knows.
  Error otherwise(const Message& message) {
    std::string name = "object " + std::to_string(message.object);
    for (const Event& event : script_.events) {
      if (event.object != message.object) continue;
      name = event.name;
      output_differs_ |= event.of_output != 0 && script_.output != 0;
    }
    told_otherwise_ = true;
    return Error{0, "the compositor tells of " + name + " otherwise than when the image was made"};
  }

  Result<bool> is_free(const Message& message) {
    const uint32_t id = word_at(message.arguments, 0);
    if (id == script_.next_id) {
      fence_freed_ = true;
      return harmless(id, true);
    }
    const auto found = std::find_if(script_.deleted.begin(), script_.deleted.end(),
                                    [id](const Deleted& deleted) { return deleted.id == id; });
    if (found == script_.deleted.end() || deletions_[id] >= found->count) return false;
    ++deletions_[id];
    acks_.erase(id);
    return harmless(id, true);
  }

  void note(const Event& event, const Message& message) {
    if (event.needed != 0) globals_.insert({message.object, word_at(message.arguments, 0)});
    const auto found = acknowledged_.find({message.object, message.opcode});
    if (found == acknowledged_.end()) return;
    Ack& ack = acks_[message.object];
    ack.opcode = word_at(found->second->bytes, 4) & 0xffff;
    ack.serial = word_at(message.arguments, found->second->offset);
    ack.told = true;
  }

  static bool matches(const Event& event, std::string_view arguments) {
    if (event.arguments.size() != arguments.size()) return false;
    for (size_t i = 0; i < arguments.size(); ++i)
      if (event.mask[i] != 0 && event.arguments[i] != arguments[i]) return false;
    return true;
  }

  [[nodiscard]] bool is_kind(size_t i, const Message& message) const {
    const Event& event = script_.events[i];
    const auto found = deletions_.find(message.object);
    return event.object == message.object && event.opcode == message.opcode &&
           event.generation == (found == deletions_.end() ? 0 : found->second);
  }

  [[nodiscard]] size_t first_of_kind(const Message& message) const {
    const auto found = deletions_.find(message.object);
    const uint32_t generation = found == deletions_.end() ? 0 : found->second;
    const auto key = [](uint32_t object, uint32_t generation, uint32_t opcode) {
      return std::tuple(object, generation, opcode);
    };
    const auto place = std::lower_bound(script_.events.begin(), script_.events.end(), message,
                                        [&](const Event& event, const Message& m) {
                                          return key(event.object, event.generation, event.opcode) <
                                                 key(m.object, generation, m.opcode);
                                        });
    return static_cast<size_t>(place - script_.events.begin());
  }

  [[nodiscard]] bool is_settled(size_t i) const {
    const Event& event = script_.events[i];
    if (event.needed != 0) return state_[i].came > 0;
    if (event.last == 0 && event.counted == 0) return true;
    const size_t first = state_[i].first;
    if (event.counted != 0) return state_[first].of_kind == event.count;
    return state_[first].last == i;
  }
  [[nodiscard]] bool is_settled() const {
    for (size_t i = 0; i < script_.events.size(); ++i)
      if (script_.events[i].late == 0 && !is_settled(i)) return false;
    return true;
  }
  static bool same_kind(const Event& a, const Event& b) {
    return a.object == b.object && a.generation == b.generation && a.opcode == b.opcode;
  }

  Playing& playing_;
  const Script& script_;
  std::vector<State> state_;
  std::string batch_;
  size_t kept_ = 0;  ///< bytes that wait in the socket for the app
  bool fence_freed_ = false;
  bool told_otherwise_ = false;
  bool output_differs_ = false;
  std::map<uint32_t, uint32_t> deletions_;
  std::map<uint32_t, Ack> acks_;
  /// Objects and their events whose serial the app acknowledges.
  std::map<std::pair<uint32_t, uint32_t>, const Request*> acknowledged_;
  std::set<std::pair<uint32_t, uint32_t>> globals_;  ///< registry and number
};

}  // namespace

bool begins(std::string_view first_bytes) {
  constexpr std::string_view kFirst("\1\0\0\0", 4);
  return first_bytes.starts_with(kFirst) || kFirst.starts_with(first_bytes);
}

const char* validate(std::string_view bytes, const Writable&) {
  Script script;
  if (!read_script(bytes, script)) return "the conversation with a compositor is broken";
  for (const Request& request : script.requests) {
    Message message;
    if (parse(request.bytes, message) != Parsed::whole || message.size != request.bytes.size())
      return "a request to a compositor is broken";
  }
  return nullptr;
}

Result<void> play(Playing& playing) {
  Script script;
  if (!read_script(playing.script, script)) return Error{0, "the script is broken"};
  Play first(playing, script);
  auto played = first.run();
  if (played || !first.is_told_otherwise()) return played;
  // On a screen like that of the warm-up, it is what others do there meanwhile: a window that comes takes the focus.
  THAW_TRY(playing.connect_again());
  if (!first.output_differs()) return Play(playing, script).run();
  const OtherOutput other(script);
  return Play(playing, other.script()).run();
}

}  // namespace thaw::session::wayland
