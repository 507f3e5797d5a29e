// A descriptor kind: how it is recognized, what a checkpoint keeps and how a launch makes it again.
// Each kind is one file in kinds/ and one row of the table in kinds.h.
#pragma once

#include <unistd.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fd/probe.h"
#include "image/builder.h"
#include "image/view.h"
#include "policy/policy.h"
#include "support/result.h"
#include "support/seen_calls.h"
#include "support/told_text.h"
#include "support/unique_fd.h"

namespace thaw::session {
class Relay;
}

namespace thaw::fd {

using policy::Action;

inline Action action_of(const model::OpenFile& file) {
  return static_cast<Action>(file.action);
}

/// The Object of that kind and id (an inode, for pipes and shared memory), or kNone.
model::Index find_object(const image::Builder&, model::ObjectKind kind, uint64_t id);

/// What the kinds may ask for and fill while the process is frozen.
struct Collector {
  image::Builder& image;
  const policy::Policies& policies;
  /// One per open file description of the process tree, 0/1/2 copies left out.
  std::span<const Probe> probes;
  /// For all processes outside of the app: the target of each link /proc/PID/fd/N, and the link's own path.
  /// Filled when it is first needed.
  std::optional<std::unordered_multimap<std::string, std::string>> others;

  /// The Object of that kind and id, added with `make` when it is new.
  model::Index object(model::ObjectKind kind, uint64_t id,
                      const std::function<Result<void>(model::Object&)>& make,
                      Result<void>& status);

  /// Adds the first `size` bytes of a file, without holes, to the image's page data (for content
  /// too big for a blob); returns their DataRuns in image.data_runs. The bytes are read when the
  /// image is written. `fd` must be an open file description of our own: its position moves.
  std::function<Result<model::Range>(int fd, uint64_t size)> store_content;

  /// Null: the app was not watched in its warm-up.
  const SeenCalls* seen = nullptr;
  /// What somebody should know of the image; null: nobody asks.
  std::vector<std::string>* warnings = nullptr;
  /// False: the app runs on meanwhile, and must not be touched.
  bool frozen = false;

  std::span<const pid_t> processes = {};  ///< of the app, those that live

  /// What stood between the app and its servers; null: nothing.
  session::Relay* relay = nullptr;

  /// The probes of each pipe, by device and inode, in their order. Filled when it is first needed.
  std::map<std::pair<dev_t, ino_t>, std::vector<const Probe*>> pipes = {};

  /// The ids of all processes as the image has them, with those that have ended.
  std::span<const pid_t> pids = {};
  /// kNone: it is none of the app's.
  [[nodiscard]] model::Index process_with(pid_t pid) const;

  /// The app's own pseudo-terminals that are the controlling ones of sessions, and the process group
  /// in the foreground of each. Filled by their kind.
  struct ControllingTerminal {
    model::Index object;
    pid_t session, foreground;
  };
  std::vector<ControllingTerminal> terminals = {};
};

/// What the kinds may use while thaw-exec prepares a launch. Nothing here is allocated per
/// descriptor.
struct Opener {
  const image::View& image;
  const model::Process& process;
  struct Side {
    int fd[2];
  };
  /// Per Object: both ends of a pipe or socket pair, or the memory in [0]; -1 until it is made.
  std::span<Side> sides;
  /// Per OpenFile: its first descriptor at its final number, valid in finish().
  std::span<int> placed;
  /// What servers have told otherwise than the app remembers.
  std::vector<ToldText>* texts = nullptr;
  /// For kinds that need_processes, per Process of an app of several: its id.
  std::span<const pid_t> pids = {};
  [[nodiscard]] pid_t id_of(model::Index of) const { return pids.empty() ? getpid() : pids[of]; }
};

/// What stands in a descriptor's place under the action `close`: nobody at the other end, nothing
/// that blocks.
struct Closed {
  const char* note;  ///< for `thaw show`; null: collect() writes it
  Result<UniqueFd> (*open)(Opener&, const model::OpenFile&);
  /// Checks what `open` reads from the image; null if it reads nothing.
  const char* (*validate)(const image::View&, const model::OpenFile&) = nullptr;
};

/// Reads find the end of the file, what is written is thrown away.
Result<UniqueFd> open_null(Opener&, const model::OpenFile&);

/// How [[policies]] and a kind meet. fd/open_file.h asks them, checks the answer against `actions`
/// and performs `close` and `ignore`; the other actions are the kind's own.
struct PolicyUse {
  /// Who asks which action is set.
  enum class Asked {
    /// The engine, which gives it to collect() in `out.action`, but for `close` and `ignore`. A row
    /// that does not name the descriptor is used only where collect() has refused without it.
    before,
    /// collect(), by choose_action(): only the kind knows what a policy calls it, or whether it
    /// needs one at all.
    by_kind,
  };

  /// The `type` of [[policies]]; nullopt: that of what the descriptor refers to (policy_type()).
  std::optional<policy::Type> type = std::nullopt;
  policy::Actions actions = {};  ///< that it takes besides `error`, the likeliest first
  Asked asked = Asked::before;
  Closed closed = {"policy: /dev/null in its place", open_null};
};

/// The checkpoint's half of a kind: thaw-exec, which only launches, is built without it.
#ifdef THAW_LAUNCH_ONLY
#define THAW_CHECKPOINT(function) nullptr
#else
#define THAW_CHECKPOINT(function) function
#endif

struct Kind {
  const char* name;  ///< "pipe"; used by `thaw show` and messages
  PolicyUse policy = {};
  bool (*match)(const Probe&);
  /// Fills `out` (kind, flags, position, action are filled already), or refuses with a message that
  /// names the descriptor, its path and the remedy.
  Result<void> (*collect)(Collector&, const Probe&, model::OpenFile& out);
  /// Makes the open file description again; a new descriptor with O_CLOEXEC, at any number.
  Result<UniqueFd> (*open)(Opener&, const model::OpenFile&);
  /// After every descriptor stands at its final number (epoll registrations, contents that need
  /// peers); may be null.
  Result<void> (*finish)(Opener&, const model::OpenFile&, int fd) = nullptr;
  /// The OpenFiles that a process must have open to run finish(); null: none but its own.
  std::vector<model::Index> (*needed)(const image::Builder&, const model::OpenFile&) = nullptr;
  /// For a launch that is given up: takes back what open() left outside of this process. `fd` is
  /// the descriptor that open() made. May be null.
  void (*undo)(int fd) = nullptr;
  /// Checks the kind's payload in an image that may come from anywhere. The message on failure,
  /// else null.
  const char* (*validate)(const image::View&, const model::OpenFile&);
  /// Whether open() or finish() does, without a policy, what other processes can see (a socket's
  /// file, a datagram that arrives): a launch knows its inputs before.
  bool seen_outside = false;
  /// Whether open() of an app of several processes is called when all of them are there, in the one
  /// that finishes the description; the others are handed it.
  bool needs_processes = false;
  /// The second argument of listen(2), which the restorer calls once the inputs are known; nullopt:
  /// it does not listen. May be null.
  std::optional<uint32_t> (*backlog)(const image::View&, const model::OpenFile&) = nullptr;
};

}  // namespace thaw::fd
