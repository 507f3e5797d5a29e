// What of a conversation with a bus a launch can have again: the calls to the bus itself, each with
// its answer. What other services know of the app, or have told it, no launch could tell them, or
// know: it is refused.
#include "session/dbus/dbus.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "proc/members.h"
#include "session/dbus/message.h"
#include "session/dbus/script.h"
#include "session/record/kept_text.h"
#include "session/record/recorder.h"

namespace thaw::session::dbus {
namespace {

constexpr std::string_view kEnd = "\r\n";
constexpr uint32_t kFenceSerial = 0xfffffff1;  ///< of a call that no app makes so late

/// What the bus may be asked for: it keeps something for the app, or only answers.
constexpr std::string_view kCalls[] = {
    "Hello",
    "AddMatch",
    "RemoveMatch",
    "RequestName",
    "ReleaseName",
    "GetNameOwner",
    "NameHasOwner",
    "ListNames",
    "ListActivatableNames",
    "ListQueuedOwners",
    "StartServiceByName",
    "GetId",
    "GetMachineId",
    "GetConnectionUnixUser",
    "GetConnectionUnixProcessID",
    "GetConnectionCredentials",
    "Ping",
    "Introspect",
    "Get",
    "GetAll",
};

bool is_replayable(std::string_view member) {
  return std::find(std::begin(kCalls), std::end(kCalls), member) != std::end(kCalls);
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string name_of(const Message& message) {
  return std::string(message.interface) + (message.interface.empty() ? "" : ".") +
         std::string(message.member);
}

/// A call to the bus, and its answer once it has come.
struct Call {
  std::string request;
  uint32_t serial = 0;
  std::string member, argument;
  bool expects = false, answered = false, is_error = false;
  std::string error, signature, body;
};

class DBusRecorder : public Recorder {
 public:
  void from_app(std::string_view bytes, std::span<const UniqueFd>) override {
    from_app_.append(bytes);
    while (!app_speaks_ && next_app_line()) {
    }
    Message message;
    while (app_speaks_ && next(from_app_, message)) app_sent(message);
  }

  void from_server(std::string& bytes, std::span<const UniqueFd>) override {
    from_server_.append(bytes);
    while (next_server_line()) {
    }
    Message message;
    while (authenticated_ && next(from_server_, message)) server_sent(message);
  }

  [[nodiscard]] Result<void> check_rest() const override {
    const std::string lengthen = "lengthen `settle`";
    if (!from_app_.empty() || !from_server_.empty())
      return Error{EAGAIN, "in the middle of a message", lengthen};
    if (unique_name_.empty()) return Error{EAGAIN, "where it is about to say Hello", lengthen};
    for (const Call& call : calls_) {
      if (call.expects && !call.answered)
        return Error{EAGAIN, "and waits for the answer to " + call.member, lengthen};
      const bool watches_one =
          call.member == "AddMatch" && (call.argument.find("':") != call.argument.npos);
      if (watches_one)
        return Error{0, "and watches a client of its warm-up (" + call.argument + ")",
                     "let the app forget it before the checkpoint"};
      if (call.request.find(unique_name_) != call.request.npos)
        return Error{0, "and has told the bus its unique name (" + call.member + ")", kEarlier};
    }
    if (!unanswered_.empty())
      return Error{EAGAIN, "and has not answered a call of " + quoted(unanswered_.begin()->first),
                   lengthen};
    return {};
  }

  Result<Recorded> recorded(pid_t app, std::span<const pid_t> others, std::string_view) override {
    if (!refusal_.why.empty()) return Error{0, refusal_.why, refusal_.remedy};
    THAW_TRY(check_rest());
    Recorded result;
    Script script;
    script.passes_fds = passes_fds_;
    for (const Call& call : calls_) script.steps.push_back(step_of(call));
    // Not a ping: system buses let nobody ping them.
    const std::string fence = make_call(kFenceSerial, "NameHasOwner", kBus);
    constexpr std::string_view kYes("\1\0\0\0", 4);
    script.steps.push_back({fence, true, false, false, {}, "b", kYes});
    THAW_TRY(find_name(app, script));
    for (const pid_t other : others) THAW_TRY(expect_without_name(other));
    result.script = write_script(script);
    result.note = note(script);
    if (signals_ > 0)
      result.warnings.push_back("it has sent " + std::to_string(signals_) + " signals (" +
                                first_signal_ + (signals_ > 1 ? ", ..." : "") +
                                ") on its bus: a launch does not send them again");
    return result;
  }

 private:
  void refuse(const std::string& why, const std::string& remedy) {
    if (refusal_.why.empty()) refusal_ = {why, remedy};
  }

  /// Takes a whole message from the front. Its strings lie in current_.
  bool next(std::string& from, Message& message) {
    const Parsed parsed = parse(from, message);
    if (parsed == Parsed::broken) {
      refuse("with what is no message of D-Bus", "");
      from.clear();
    }
    if (parsed != Parsed::whole) return false;
    current_ = from.substr(0, message.size);
    from.erase(0, message.size);
    return parse(current_, message) == Parsed::whole;
  }

  bool next_app_line() {
    if (from_app_.starts_with('\0')) from_app_.erase(0, 1);
    const size_t end = from_app_.find(kEnd);
    if (end == std::string::npos) return false;
    const std::string line = from_app_.substr(0, end);
    from_app_.erase(0, end + kEnd.size());
    if (line.starts_with("AUTH ")) mechanism_ = line.substr(5, line.find(' ', 5) - 5);
    if (line == "BEGIN") app_speaks_ = true;
    return true;
  }

  /// Its lines begin with capitals, as no message does but those of the other byte order, which come
  /// when all lines have.
  bool next_server_line() {
    if (from_server_.empty() || from_server_[0] == 'l' ||
        (authenticated_ && app_speaks_ && from_server_[0] == 'B'))
      return false;
    const size_t end = from_server_.find(kEnd);
    if (end == std::string::npos) return false;
    const std::string line = from_server_.substr(0, end);
    from_server_.erase(0, end + kEnd.size());
    if (line.starts_with("OK ")) {
      authenticated_ = true;
      if (mechanism_ != "EXTERNAL")
        refuse("and has shown who it is by " + mechanism_, "let it authenticate by EXTERNAL");
    }
    if (line == "AGREE_UNIX_FD") passes_fds_ = true;
    return true;
  }

  void app_sent(const Message& message) {
    if (!message.little_endian) return refuse("in another byte order than its CPU's", "");
    switch (message.type) {
      case Type::call:
        return app_called(message);
      case Type::answer:
      case Type::error:
        unanswered_.erase({std::string(message.destination), message.reply_serial});
        return;
      case Type::signal:
        if (signals_++ == 0) first_signal_ = name_of(message);
        return;
    }
  }

  void app_called(const Message& message) {
    const std::string what = name_of(message);
    if (message.destination != kBus)
      return refuse(
          "and has called " + what + " of " + quoted(message.destination) +
              ", which would know nothing of the launched app, nor have answered it",
          "let the app call other services after the checkpoint, or " + std::string(kEarlier));
    if (!is_replayable(message.member) || message.unix_fds != 0)
      return refuse("and has asked the bus for " + what + ", which a launch cannot do again",
                    kEarlier);
    Call call;
    call.request = current_;
    call.serial = message.serial;
    call.member = message.member;
    call.argument = message.first_string().value_or("");
    call.expects = (message.flags & kNoReplyExpected) == 0;
    if (call.member == "Hello" && !call.expects) refuse("without waiting for its name", kEarlier);
    if (call.member == "RemoveMatch" && !call.expects && remove_match(call.argument)) return;
    calls_.push_back(std::move(call));
  }

  /// The rule that is removed need not be made by a launch, nor removed: both go, where the app has
  /// the first one's answer.
  bool remove_match(const std::string& rule) {
    const auto found = std::find_if(calls_.rbegin(), calls_.rend(), [&rule](const Call& call) {
      return call.member == "AddMatch" && call.argument == rule;
    });
    if (found == calls_.rend() || (found->expects && (!found->answered || found->is_error)))
      return false;
    calls_.erase(std::next(found).base());
    return true;
  }

  void server_sent(const Message& message) {
    switch (message.type) {
      case Type::call:
        if ((message.flags & kNoReplyExpected) == 0)
          unanswered_.insert({std::string(message.sender), message.serial});
        return;
      case Type::answer:
      case Type::error:
        return answered(message);
      case Type::signal:
        return heard(message);
    }
  }

  void answered(const Message& message) {
    const auto found = std::find_if(calls_.begin(), calls_.end(), [&](const Call& call) {
      return call.expects && !call.answered && call.serial == message.reply_serial;
    });
    if (found == calls_.end()) return;
    found->answered = true;
    found->is_error = message.type == Type::error;
    found->error = message.error;
    found->signature = message.signature;
    found->body = message.body;
    remember(message);
    if (found->member == "Hello") unique_name_ = message.first_string().value_or("");
    constexpr uint32_t kInQueue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
    uint32_t reply = 0;
    if (found->body.size() >= sizeof(reply)) std::memcpy(&reply, found->body.data(), sizeof(reply));
    if (found->member == "RequestName" && reply == kInQueue)
      refuse("where it waits for the name " + quoted(found->argument) + " of another process",
             "end that process before the build");
  }

  void heard(const Message& message) {
    const std::string name(message.first_string().value_or(""));
    if (message.sender != kBus)
      return refuse(
          "and has heard " + name_of(message) + " from " + quoted(message.sender) +
              ", which says what may be otherwise at a launch",
          "let the app listen to others after the checkpoint, or " + std::string(kEarlier));
    remember(message);
    if (message.member == "NameLost")
      refuse("which has taken the name " + quoted(name) + " away from it", kEarlier);
    const bool own = name == unique_name_ || asks_for(name);
    if (message.member == "NameOwnerChanged" && !own && !name.starts_with(':'))
      refuse("and was told that " + quoted(name) + " came or went while it warmed up",
             "have that service up before the build, or " + std::string(kEarlier));
  }

  [[nodiscard]] bool asks_for(std::string_view name) const {
    return std::any_of(calls_.begin(), calls_.end(), [&name](const Call& call) {
      return call.member == "RequestName" && call.argument == name;
    });
  }

  /// Its bytes may still lie in the app's memory.
  void remember(const Message& message) {
    if (!unique_name_.empty() && current_.find(unique_name_) == std::string::npos) return;
    if (message.size <= kRemembered && messages_.size() < kRemembered)
      messages_.push_back(current_);
  }

  [[nodiscard]] Step step_of(const Call& call) const {
    Step step = {call.request, call.expects,   call.is_error, false,
                 call.error,   call.signature, call.body};
    const bool own = call.signature == "s" && call.body.size() == unique_name_.size() + 5 &&
                     call.body.compare(4, unique_name_.size(), unique_name_) == 0;
    step.own_name = own && call.member != "Hello";
    if (call.is_error || own) step.signature = step.body = {};
    return step;
  }

  /// Whether the text is that of a message that has come: its destination, or one of those that the
  /// bus has sent.
  static bool is_message(const void* of, std::string_view before, std::string_view text) {
    const auto& recorder = *static_cast<const DBusRecorder*>(of);
    const auto size = static_cast<uint32_t>(text.size());
    std::string head("\x06\x01s\0", 4);
    head.append(reinterpret_cast<const char*>(&size), sizeof(size));
    if (before.ends_with(head)) return true;
    constexpr size_t kEnough = 12;
    for (const std::string& message : recorder.messages_)
      for (size_t at = message.find(text); at != message.npos; at = message.find(text, at + 1))
        if (at >= kEnough &&
            before.ends_with(std::string_view(message).substr(at - kEnough, kEnough)))
          return true;
    return false;
  }

  Result<void> find_name(pid_t app, Script& script) const {
    THAW_ASSIGN(kept, find_kept(app, unique_name_, is_message, this));
    for (const OwnString& string : kept.strings)
      script.places.push_back({string.address, string.room});
    if (kept.others.empty()) return {};
    char address[24];
    snprintf(address, sizeof(address), "%llx",
             static_cast<unsigned long long>(kept.others[0].first));
    return Error{0,
                 "and keeps its unique name " + unique_name_ +
                     ", which each launch has another of, where it cannot be "
                     "replaced (at 0x" +
                     std::string(address) + ": \"" + kept.others[0].second + "\")",
                 "let the app ask its library for the name whenever it needs it, or " +
                     std::string(kEarlier)};
  }

  /// A launch renews it in the process that is connected.
  [[nodiscard]] Result<void> expect_without_name(pid_t other) const {
    THAW_ASSIGN(kept, find_kept(other, unique_name_, is_message, this));
    if (kept.strings.empty() && kept.others.empty()) return {};
    return Error{0,
                 "and its process " + std::to_string(other) + " (" + proc::name_of(other) +
                     ") has a copy of its unique name " + unique_name_ +
                     ", which a launch does not renew there",
                 "let it fork before it connects, or let what it forks execute a program, or " +
                     std::string(kEarlier)};
  }

  [[nodiscard]] std::string note(const Script& script) const {
    std::string names;
    for (const Call& call : calls_)
      if (call.member == "RequestName") names += (names.empty() ? "" : ", ") + call.argument;
    std::string text = std::to_string(script.steps.size()) + " calls made again";
    if (!names.empty()) text += ", the name " + names;
    if (!script.places.empty())
      text += ", its unique name renewed in " + std::to_string(script.places.size()) +
              (script.places.size() == 1 ? " place" : " places");
    return text;
  }

  static constexpr const char* kEarlier =
      "checkpoint before it connects: warmup.until = { connect = ... }";
  static constexpr size_t kRemembered = 4096;

  std::string from_app_, from_server_, current_;
  std::string mechanism_;
  bool app_speaks_ = false, authenticated_ = false, passes_fds_ = false;
  std::vector<Call> calls_;
  std::set<std::pair<std::string, uint32_t>> unanswered_;  ///< caller and serial
  std::string unique_name_;
  std::vector<std::string> messages_;  ///< of the bus, that hold the unique name
  size_t signals_ = 0;
  std::string first_signal_;
  Reason refusal_;
};

}  // namespace

std::unique_ptr<Recorder> record() {
  return std::make_unique<DBusRecorder>();
}

}  // namespace thaw::session::dbus
