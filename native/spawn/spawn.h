// Starting processes, awaiting them, and becoming another program. Node's own child_process reaps
// children of its own accord, which would take the ptrace stops of a checkpoint; these children
// are ours alone.
#pragma once

#include <sys/types.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::spawn {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// What to execute.
struct Program {
  std::string path;
  /// With argv[0].
  std::vector<std::string> arguments;
  /// Each NAME=value.
  std::vector<std::string> environment;
};

struct Request {
  Program program;
  /// Empty: the caller's.
  std::string cwd;
  /// The caller's descriptors that become 0, 1 and 2 of the child; it gets no others.
  std::array<int, 3> stdio = {0, 1, 2};
  /// Its standard input is a pipe that nobody writes to, open as long as it is kept; then stdio[0]
  /// does not matter.
  bool open_input = false;
  /// All three are a terminal of its own, its controlling one in a session of its own; what it shows
  /// there goes to stdio[1].
  bool terminal = false;
  bool new_session = false;
  /// In a time namespace whose clocks begin near zero, where privileges allow.
  bool fresh_clocks = false;
  /// Ends with all that it has started when this process ends, even by SIGKILL, or by end().
  bool kept = false;
  /// See unusual_pid.h.
  bool unusual_pid = false, large_pid = false;
  /// None: the caller.
  std::optional<User> user;
  /// Called while the child has not executed the program yet.
  std::function<void(pid_t)> before_exec;
  /// Called once the child has been let go, before it is known whether it could execute the program.
  std::function<void(pid_t)> on_exec;
};

/// Returns when the child has executed the program; else says at which step it failed.
Result<pid_t> spawn(const Request& request);

struct Exit {
  bool by_signal = false;
  /// The exit code, or the number of the signal.
  int status = 0;
};

/// Blocks until the child has ended, and reaps it. Never takes the ptrace stops of any child.
Result<Exit> wait(pid_t child);

/// Ends a child that is kept, with all that it has started, and blocks until that is done. wait()
/// tells how the child ended.
void end(pid_t child);

/// Becomes the program, which gets the descriptors 0, 1, 2 and those in `inherit`. Returns only
/// when it cannot be executed.
Error become(const Program& program, const std::vector<int>& inherit);

/// The array that execve(2) takes, and does not write to; valid as long as `strings`.
std::vector<char*> pointers(const std::vector<std::string>& strings);

}  // namespace thaw::spawn
