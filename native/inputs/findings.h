// What an app and its children were seen to do with files while they warmed up, by path.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "image/model.h"
#include "inputs/call_gate.h"
#include "support/seen_calls.h"

namespace thaw::inputs {

/// What tells one state of a file from another.
struct State {
  bool there = false;
  uint64_t dev = 0, ino = 0, size = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
  uint32_t mode = 0;

  bool operator==(const State&) const = default;
};

/// The state of what `path` leads to; of a link itself unless `follow`.
State state_of(const std::string& path, bool follow);

struct Seen {
  State last;             ///< when it was last looked at
  bool read = false;      ///< its content, or it was executed
  bool looked = false;    ///< what stat(2) tells, or that it is not there
  bool listed = false;    ///< a folder's names, by the app
  bool sources = false;   ///< a folder that holds Python sources, or the current one
  bool imported = false;  ///< a folder's names, by CPython's import alone
  bool written = false;   ///< made, changed, moved or removed by the app
  bool logged = false;    ///< opened for appending, and in no other way for writing
  bool created = false;   ///< it was not there before the app made it, and nothing was looked for
  uint32_t polls = 0;     ///< how often it was looked up while the app was left alone
  int64_t imported_mtime_ns = 0;  ///< of the folder, when it was last listed by import
};

/// Whether the app has its content: `last` stays as it was then, whatever is looked at later.
bool is_used(const Seen& seen);

struct Findings {
  std::map<std::string, Seen> files;
  /// Links that were looked at themselves.
  std::map<std::string, Seen> links;
  /// Why something may have been opened that was not seen; empty: nothing.
  std::vector<std::string> unseen;
  /// Of the app alone.
  SeenCalls calls;
  model::Machine machine;  ///< as it was when it was first asked for
  std::string host_name;   ///< where it was asked for
  /// By more than the app's main thread, in the program that it runs: by a child, by what executed
  /// the program, or in /proc. Of these, no memory need be left that would hold it.
  bool host_name_used = false;
  /// Where the app stands, if it was to be held.
  std::optional<HeldCall> held;
  bool filtered = false;  ///< it could not be held for its seccomp filter
};

}  // namespace thaw::inputs
