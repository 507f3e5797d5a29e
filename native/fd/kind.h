// A descriptor kind: how it is told, what checkpoint keeps of it, how a launch makes it again.
// Each kind is one file in kinds/ and one row of the table in kinds.cc.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "image/builder.h"
#include "image/view.h"
#include "policy/policy.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::fd {

/// What is known of one descriptor of the frozen process before any kind looks at it.
struct Probe {
  pid_t pid = 0;
  int number = 0;
  std::string
      link;  ///< readlink /proc/PID/fd/N ("pipe:[123]", "/etc/passwd", "anon_inode:[eventfd]")
  std::string fdinfo;       ///< /proc/PID/fdinfo/N
  struct stat status = {};  ///< of what it refers to
  UniqueFd copy;            ///< the same open file description in this process (pidfd_getfd)
  int flags = 0;            ///< F_GETFL
  off_t position = 0;
  bool close_on_exec = false;
  model::Index open_file = model::kNone;  ///< set before collect: index of its OpenFile record
};

/// What the kinds may ask for and fill while the process is frozen.
struct Collector {
  image::Builder& image;
  const policy::Policies& policies;
  std::span<const Probe>
      probes;     ///< one per open file description of the process tree, 0/1/2 copies left out
  int root = -1;  ///< O_PATH descriptor of the app's root directory

  /// The Object of that kind and id (an inode, for pipes and shared memory), added with `make` when
  /// it is new.
  model::Index object(model::ObjectKind kind, uint64_t id,
                      const std::function<Result<void>(model::Object&)>& make,
                      Result<void>& status);

  /// Makes the first `size` bytes of a file page data of the image (for content that is too big for
  /// a blob), without its holes; their DataRun records in image.data_runs. The bytes are read when
  /// the image is written. `fd` must be an open file description of our own: its position moves.
  std::function<Result<model::Range>(int fd, uint64_t size)> store_content;
};

/// What the kinds may use while thaw-exec prepares a launch. Nothing here is allocated per
/// descriptor.
struct Opener {
  const image::View& image;
  const model::Process& process;
  struct Side {
    int fd[2];
  };
  std::span<Side>
      sides;  ///< per Object: both ends of a pipe or socket pair, or [0] the memory; -1 until made
  std::span<int>
      placed;  ///< per OpenFile: its first descriptor at its final number, valid in finish()
  bool trace = false;
};

/// The checkpoint's half of a kind: thaw-exec, which only launches, is built without it.
#ifdef THAW_LAUNCH_ONLY
#define THAW_CHECKPOINT(function) nullptr
#else
#define THAW_CHECKPOINT(function) function
#endif

struct Kind {
  const char* name;         ///< "pipe"; used by `thaw show` and messages
  const char* policy_type;  ///< `type` of [[policies]] that applies to it
  bool (*match)(const Probe&);
  /// Fills `out` (kind, flags, position, owner are filled already), or refuses with a message that
  /// names the descriptor, its path and the remedy.
  Result<void> (*collect)(Collector&, const Probe&, model::OpenFile& out);
  /// Makes the open file description again; a new descriptor with O_CLOEXEC, at any number.
  Result<UniqueFd> (*open)(Opener&, const model::OpenFile&);
  /// After every descriptor stands at its final number (epoll registrations, contents that need
  /// peers); may be null.
  Result<void> (*finish)(Opener&, const model::OpenFile&, int fd);
  /// Checks the kind's payload in an image that may come from anywhere; may be null. The message on
  /// failure, else null.
  const char* (*validate)(const image::View&, const model::OpenFile&);
};

/// All kinds; the first that matches a descriptor has it. OpenFile::kind is an index here.
std::span<const Kind> kinds();

/// "descriptor 7 (/var/log/app.log)": how every message names a descriptor.
std::string describe(const Probe&);

/// The refusal of a descriptor: what it is, why, and what to set or change.
Error refuse(const Probe&, std::string_view why, std::string_view remedy);

/// The value of `key` ("flags", "pos", "eventfd-count") in fdinfo, as it stands there; empty
/// without one.
std::string_view fdinfo_value(const Probe&, std::string_view key);

/// Declared by each kind's file.
extern const Kind kRegularFile, kDirectory, kPathOnly, kDevice, kPipe, kFifo, kEventfd, kEpoll,
    kTimerfd, kSignalfd, kInotify, kMemfd, kDeletedFile, kUnixPair, kUnixListen, kTcpListen, kUdp,
    kNetlink, kConnectedSocket, kRefused;

}  // namespace thaw::fd
