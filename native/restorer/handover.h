// What thaw-exec hands to the restorer. It lies in the restorer area with all that it points to,
// because nothing else of thaw-exec is left when the restorer works.
#pragma once

#include <stdint.h>

#include "image/model.h"
#include "restorer/coredump_filter.h"
#include "restorer/log.h"
#include "support/told_text.h"

namespace thaw::restorer {

/// A mapping of the kernel ([vdso], [vvar]...), or one that the launch has attached, that moves to
/// where the app expects it.
struct Move {
  uint64_t from, size, to;
};

/// Memory of our own where the app's kernel had a mapping that this kernel cannot put there.
struct StandIn {
  uint64_t address, size;
  const char* bytes;    ///< null: zeros
  uint32_t executable;  ///< 1: code
};

/// An inclusive range of descriptor numbers.
struct FdRange {
  uint32_t first, last;
};

/// A caller's descriptor that had to make room: `copy` goes back to `number` for a cold start.
struct SavedFd {
  int32_t number;
  int32_t copy;
  int32_t flags;  ///< FD_CLOEXEC
};

/// Whom a descriptor signals, where its id is not known before: a thread of the app, or any process
/// of a tree.
struct FdOwner {
  int32_t number;
  int32_t type;     ///< F_OWNER_*
  uint32_t thread;  ///< index in the image's table of threads
  uint32_t id;      ///< where `thread` is model::kNone
  uint32_t signal;  ///< F_SETSIG, 0: as it is
};

/// A bound socket that listens when the inputs are known.
struct Listener {
  int32_t fd;
  uint32_t backlog;
};

struct Tree;

/// A system call that puts back what exec would keep.
struct UndoCall {
  long number, a, b, c;
};
constexpr uint32_t kMostUndoCalls = 32;

/// What the app's state has replaced so far and exec would keep (callers_state.h, signals.h).
struct CallersState {
  UndoCall calls[kMostUndoCalls] = {};
  uint32_t call_count = 0;
  CoredumpFilter coredump_filter;
  long itimers[3][4] = {};        ///< struct itimerval
  uint64_t replaced_actions = 0;  ///< signals whose action is the app's, bit 0: signal 1
  uint64_t ignored_signals = 0;   ///< of these, the caller's ignored ones
  uint64_t queued_signals = 0;    ///< signals that are pending because the app's were
  char terminal[64] = {};         ///< the mode of its terminal: struct termios
  int32_t foreground = 0;         ///< the process group in the foreground of it
};

/// A cold start that is still possible.
struct ColdStart {
  const char* program = nullptr;  ///< null: --no-fallback
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const SavedFd* saved_fds = nullptr;
  uint32_t saved_fd_count = 0;
  const FdRange* close = nullptr;  ///< descriptors that the launch made and the app must not see
  uint32_t close_count = 0;
  const int32_t* sockets = nullptr;  ///< sockets whose files, if they have any, must go
  uint32_t socket_count = 0;
  int32_t cwd = -1;             ///< the caller's folder, -1: not left
  int32_t time_namespace = -1;  ///< to go back to, -1: never left
  int32_t launcher = -1;  ///< thaw-exec, which goes back if there are threads, -1: there are none
  char* const* launcher_argv = nullptr;
  uint64_t signal_mask = 0;
  CallersState callers;
  int32_t watcher = 0;  ///< group of the process that watches the launch (launch/guard/), 0: none
  const int32_t* helpers = nullptr;  ///< processes that compare inputs (launch/check/inputs.h)
  uint32_t helper_count = 0;         ///< those that have not been waited for
};

/// Mappings that a kernel has of its own in each process: 3 on x86-64 since Linux 6.13; attached
/// memory.
constexpr uint32_t kMostMoves = 8 + model::kMostAttachments;

struct Handover {
  uint64_t area_start = 0;  ///< the restorer area
  uint64_t area_size = 0;
  uint64_t stacks = 0;  ///< one small stack per thread, the leader's first
  uint64_t stack_size = 0;

  const Tree* tree = nullptr;  ///< null: the app is a single process
  const model::Process* process = nullptr;
  const model::Credentials* credentials =
      nullptr;  ///< of a member with its own; null: the caller's
  const model::Thread* threads = nullptr;
  const model::Op* ops = nullptr;
  const model::SigAction* sigactions = nullptr;
  const model::PosixTimer* timers = nullptr;
  const model::PendingSignal* pending = nullptr;
  const model::RobustWord* robust_words = nullptr;
  const model::IdPatch* id_patches = nullptr;
  const model::IdNotice* id_notices = nullptr;
  const model::ModeCopy* mode_copies = nullptr;
  const model::SeccompFilter* seccomp_filters = nullptr;
  const char* blobs = nullptr;
  const model::FeedRun* feed_runs = nullptr;
  uint32_t feed_count = 0;  ///< 0: nothing is fed
  uint32_t cached = 1;      ///< 0: the page cache lacks some of the working set
  uint32_t record = 0;      ///< 1: training, what is not touched stays out of memory
  uint32_t rebuilt = 0;     ///< futex word, 1: the app's memory is mapped
  uint32_t leader_cpu = 0;  ///< where the leader was when it started the feeder
  uint32_t feeder = 0;      ///< 1: a thread of its own feeds, and unmaps the restorer area

  int32_t image_fd = -1;
  const int32_t* source_fds = nullptr;  ///< per MapSource
  int32_t exe_fd = -1;
  uint32_t no_exec_store = 0;  ///< the image's file system does not allow executable mappings
  int32_t ready_fd = -1;       ///< the caller's $NOTIFY_SOCKET, which waits for READY=1; -1: none
  uint32_t keep_pid = 0;
  uint32_t user_namespace = 0;  ///< of the launch's own: the app gives up what it has in there
  uint32_t page_size = 0;
  uint64_t old_rseq = 0;  ///< thaw-exec's own registration, to be undone; 0: none
  uint32_t old_rseq_size = 0, old_rseq_signature = 0;
  uint64_t finish_code = 0;  ///< stubs in the thaw area
  uint64_t leave_code = 0;

  Move moves[kMostMoves] = {};
  uint32_t move_count = 0;
  const Move* own = nullptr;  ///< mappings of thaw-exec, the kernel's among them
  uint32_t own_count = 0;
  uint64_t interim = 0;  ///< reserved room in the restorer area for moves that overlap
  StandIn stand_ins[3] = {};
  uint32_t stand_in_count = 0;

  const FdRange* close = nullptr;  ///< descriptors to close at commit
  uint32_t close_count = 0;
  const FdOwner* owners = nullptr;
  uint32_t owner_count = 0;
  const Listener* listeners = nullptr;
  uint32_t listener_count = 0;
  const ToldText* texts = nullptr;  ///< what servers have told, for the app's memory
  uint32_t text_count = 0;
  ColdStart cold;

  int32_t segment_ids[model::kMostSegmentIds] =
      {};  ///< the kernel's ids of System V segments with a key
  uint32_t segment_id_count = 0;
  uint32_t made_segments = 0;  ///< bit n: `segment_ids[n]` was made by this launch
  /// System V semaphores and queues that were made by this launch.
  int32_t made_ipc[model::kMostIpcObjects] = {};
  uint32_t made_ipc_count = 0;
  uint32_t made_queues = 0;  ///< bit n: `made_ipc[n]` is a queue

  uint64_t call_address = 0;   ///< the app's struct thaw_call, 0: none
  uint64_t delivery_size = 0;  ///< bytes at the end of the restorer area that the app keeps
  uint64_t arguments = 0, arguments_size = 0;  ///< in there, as struct thaw_call wants them
  uint64_t environment = 0, environment_size = 0;
  uint64_t environ_address = 0;  ///< libc's `environ` in the app, 0: it keeps its own environment
  uint64_t environ_array = 0;    ///< in there, what `environ` shall point to

  uint32_t log = 0;  ///< log level: messages go to descriptor 2
  uint64_t times[kPhases] = {};
};

}  // namespace thaw::restorer
