// A launch has the conversation again: authentication, then all calls at once, then their answers.
// What the bus sends besides is the app's: from its first byte on, nothing is taken from the socket.
// The answers behind it are looked at where they wait; libraries drop answers to calls that they do
// not wait for.
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "session/dbus/dbus.h"
#include "session/dbus/message.h"
#include "session/dbus/script.h"

namespace thaw::session::dbus {
namespace {

constexpr std::string_view kEnd = "\r\n";

/// "AUTH EXTERNAL" has the user's number as decimal text, in hexadecimal.
std::string external_user() {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : std::to_string(geteuid())) {
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

/// The server's next line, taken from the socket.
Result<std::string> next_line(Stream& stream) {
  constexpr size_t kLongest = 1024;
  for (;;) {
    const size_t end = stream.seen().find(kEnd);
    if (end != std::string_view::npos) {
      std::string line(stream.seen().substr(0, end));
      THAW_TRY(stream.take(end + kEnd.size()));
      return line;
    }
    if (stream.seen().size() > kLongest) return Error{0, "the server does not speak D-Bus"};
    THAW_TRY(stream.see_more());
  }
}

Result<void> authenticate(Stream& stream, bool passes_fds) {
  std::string lines(1, '\0');
  lines.append("AUTH EXTERNAL ").append(external_user()).append(kEnd);
  if (passes_fds) lines.append("NEGOTIATE_UNIX_FD").append(kEnd);
  THAW_TRY(stream.send(lines));
  THAW_ASSIGN(ok, next_line(stream));
  if (!ok.starts_with("OK ")) return Error{0, "the bus has refused the launch's user"};
  if (passes_fds) {
    THAW_ASSIGN(agreed, next_line(stream));
    if (agreed != "AGREE_UNIX_FD") return Error{0, "the bus passes no descriptors any more"};
  }
  return stream.send(std::string("BEGIN").append(kEnd));
}

class Play {
 public:
  Play(Playing& playing, const Script& script) : playing_(playing), script_(script) {}

  Result<void> run() {
    THAW_TRY(authenticate(playing_.stream, script_.passes_fds));
    THAW_TRY(send_all());
    while (skip_unanswered(), step_ < script_.steps.size()) THAW_TRY(next_message());
    return tell_name();
  }

 private:
  Result<void> send_all() {
    std::string all;
    for (const Step& step : script_.steps) {
      all += step.request;
      Message call;
      if (parse(step.request, call) != Parsed::whole) return Error{0, "the script is broken"};
      if (const auto name = call.first_string(); name && call.member == "RequestName")
        names_.push_back(*name);
    }
    return playing_.stream.send(all);
  }

  void skip_unanswered() {
    while (step_ < script_.steps.size() && !script_.steps[step_].answered) ++step_;
  }

  Result<void> next_message() {
    Stream& stream = playing_.stream;
    Message message;
    Parsed parsed = parse(stream.seen().substr(kept_), message);
    while (parsed == Parsed::partial) {
      THAW_TRY(stream.see_more());
      parsed = parse(stream.seen().substr(kept_), message);
    }
    if (parsed == Parsed::broken) return Error{0, "the bus has sent what is no message"};
    THAW_ASSIGN(known, is_known(message));
    if (known && kept_ == 0) return stream.take(message.size);
    kept_ += message.size;
    return {};
  }

  /// Whether the app knows it from its warm-up.
  Result<bool> is_known(const Message& message) {
    if (message.type == Type::answer || message.type == Type::error) {
      THAW_TRY(check_answer(message));
      return true;
    }
    if (message.type != Type::signal || message.sender != kBus || message.unix_fds != 0)
      return false;
    const auto name = message.first_string();
    if (message.member == "NameLost") return Error{0, "the bus has taken a name away"};
    const bool tells_owner =
        message.member == "NameAcquired" || message.member == "NameOwnerChanged";
    return tells_owner && name && is_own(*name);
  }

  [[nodiscard]] bool is_own(std::string_view name) const {
    return name == unique_name_ || std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  Result<void> check_answer(const Message& message) {
    const Step& step = script_.steps[step_];
    Message call;
    parse(step.request, call);
    const std::string asked(call.member);
    if (message.reply_serial != call.serial || message.sender != kBus || message.unix_fds != 0)
      return Error{0, "the bus has answered something else than " + asked};
    ++step_;
    if (call.member == "Hello") return take_name(message);
    const auto name = message.first_string();
    const bool same = step.own_name ? message.type == Type::answer && name && *name == unique_name_
                                    : (message.type == Type::error) == step.is_error &&
                                          message.error == step.name &&
                                          (step.is_error || (message.signature == step.signature &&
                                                             message.body == step.body));
    if (same) return {};
    const std::string about(call.first_string().value_or(""));
    return Error{
        0, "the bus answers " + asked + "(" + about + ") otherwise than when the image was made"};
  }

  Result<void> take_name(const Message& message) {
    const auto name = message.first_string();
    if (message.type != Type::answer || !name || name->empty() || !unique_name_.empty())
      return Error{0, "the bus has given no name"};
    unique_name_ = *name;
    return {};
  }

  Result<void> tell_name() {
    if (unique_name_.empty()) return Error{0, "the bus has given no name"};
    for (const Place& place : script_.places) {
      ToldText text = {place.address, static_cast<uint32_t>(unique_name_.size() + 1), {}};
      if (text.size > ToldText::kMost || text.size > place.room)
        return Error{0, "the name that the bus has given is too long for the app's memory"};
      std::memcpy(text.bytes, unique_name_.c_str(), text.size);
      playing_.texts.push_back(text);
    }
    return {};
  }

  Playing& playing_;
  const Script& script_;
  size_t step_ = 0;
  size_t kept_ = 0;  ///< bytes that wait in the socket for the app
  std::string unique_name_;
  std::vector<std::string_view> names_;  ///< that the app asks for
};

}  // namespace

bool begins(std::string_view first_bytes) {
  constexpr std::string_view kFirst("\0AUTH", 5);
  return first_bytes.starts_with(kFirst) || kFirst.starts_with(first_bytes);
}

const char* validate(std::string_view bytes, const Writable& writable) {
  Script script;
  if (!read_script(bytes, script)) return "the conversation with a bus is broken";
  for (const Step& step : script.steps) {
    Message call;
    if (parse(step.request, call) != Parsed::whole || call.size != step.request.size())
      return "a call to a bus is broken";
  }
  for (const Place& place : script.places)
    if (!writable(place.address, place.room)) return "a place of a name is broken";
  return nullptr;
}

Result<void> play(Playing& playing) {
  Script script;
  if (!read_script(playing.script, script)) return Error{0, "the script is broken"};
  return Play(playing, script).run();
}

}  // namespace thaw::session::dbus
