// The words of [[policies]]: the types of state and the actions, each named once here. All else
// (images, messages, the addon's vocabulary) goes by these two tables.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace thaw::policy {

/// X(name): what is done with state. Images hold the place of an action in this list, so a new one
/// goes to the end. The descriptor kinds that take it say so in Kind::policy.
///   error      refuses the checkpoint, as without a policy
///   reopen     opens it by its name again, or makes it anew (sockets without what waited in them)
///   close      puts something closed in its place: /dev/null, the end of a lost connection
///   ignore     leaves it out
///   append     opens the file by its name again; what is written goes to its end
///   reconnect  connects to the same address again
///   pid        makes the file anew, with the new pid in it
///   relock     opens the file by its name again and takes the locks that the app held on it
///   reset      puts the end of a connection in its place that the other end has reset
///   replay     connects to the same address again, and has the recorded conversation again
#define THAW_POLICY_ACTIONS(X) \
  X(error)                     \
  X(reopen)                    \
  X(close)                     \
  X(ignore)                    \
  X(append)                    \
  X(reconnect)                 \
  X(pid)                       \
  X(relock)                    \
  X(reset)                     \
  X(replay)

/// X(name): the types of state that a policy can speak for.
#define THAW_POLICY_TYPES(X) \
  X(file)                    \
  X(directory)               \
  X(fifo)                    \
  X(socket)                  \
  X(pipe)                    \
  X(device)                  \
  X(mapping)                 \
  X(inotify)                 \
  X(descriptor)              \
  X(shm)                     \
  X(sem)                     \
  X(msg)

enum class Action : uint32_t {
#define X(name) name,
  THAW_POLICY_ACTIONS(X)
#undef X
};

enum class Type : uint32_t {
#define X(name) name,
  THAW_POLICY_TYPES(X)
#undef X
};

/// The names of the actions, in the order of Action.
inline constexpr std::string_view kActions[] = {
#define X(name) #name,
    THAW_POLICY_ACTIONS(X)
#undef X
};

/// The names of the types, in the order of Type.
inline constexpr std::string_view kTypes[] = {
#define X(name) #name,
    THAW_POLICY_TYPES(X)
#undef X
};

/// "append", as profiles spell it; "unknown" for a number that no action has.
std::string_view action_name(Action);
/// "socket", as profiles spell it.
std::string_view type_name(Type);

/// The action and the type that profiles spell so.
std::optional<Action> parse_action(std::string_view);
std::optional<Type> parse_type(std::string_view);

/// Some of the actions, the likeliest first.
class Actions {
 public:
  constexpr Actions(std::initializer_list<Action> actions) {
    for (const Action action : actions) rows_[count_++] = action;
  }
  [[nodiscard]] constexpr bool contains(Action action) const {
    for (const Action one : rows())
      if (one == action) return true;
    return false;
  }
  [[nodiscard]] constexpr std::span<const Action> rows() const { return {rows_, count_}; }

 private:
  Action rows_[std::size(kActions)] = {};
  size_t count_ = 0;
};

/// The actions by which any state can be given up.
inline constexpr Actions kCloseOrIgnore = {Action::close, Action::ignore};

}  // namespace thaw::policy
