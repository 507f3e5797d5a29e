// The processes of an app: its root and all that descend from it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::proc {

/// The children of a process in the order of their birth, by thread; with those that have ended and
/// that it has not waited for. Empty where there is no such process.
std::vector<pid_t> children_of(pid_t pid);

/// Whether a process has ended, with all of its threads, or is gone.
bool has_ended(pid_t pid);

/// PF_* of include/linux/sched.h, as proc_pid_stat(5) tells them; none if the thread is gone.
std::optional<uint64_t> thread_flags(pid_t pid, pid_t tid);

/// Whether a thread is about to end: the kernel takes from it, one after the other, what it shares with
/// others (do_exit() of kernel/exit.c). True as well if it is gone.
bool is_exiting(pid_t pid, pid_t tid);

struct Members {
  std::vector<pid_t> running;  ///< the root first, parents before children
  std::vector<pid_t> ended;    ///< whom their parents have not waited for
};

/// The root and all that descend from it, as /proc shows them now.
Members members_of(pid_t root);

/// What /proc/PID/stat tells of a process within a tree (proc_pid_stat(5)).
struct Kinship {
  char state = '?';
  pid_t parent = 0, group = 0, session = 0;
  int terminal = 0;                ///< device number of its controlling terminal, 0: none
  pid_t terminal_group = -1;       ///< that is in the foreground there
  unsigned exit_signal = 0;        ///< what its parent gets at its end
  unsigned exit_status = 0;        ///< of one that has ended, as wait(2) tells it
  unsigned long long started = 0;  ///< in clock ticks since boot
};
Result<Kinship> read_kinship(pid_t pid);

/// Name of the program, as /proc/PID/comm has it.
std::string name_of(pid_t pid);

/// The same error, which says which member of a tree it concerns.
Error of_member(Error error, pid_t pid);

/// What becomes of a process's ids in a launch.
enum class Ids {
  corrected,  ///< they are new, and what is kept of them in memory is corrected: it must be told
  kept,       ///< they are as they were
};

/// Whether an id can be told from other numbers in memory, where it is looked for
/// (checkpoint/plan/ids.cc): small ones and those with few bits set are everywhere, above all even
/// ones.
bool is_telling_id(uint32_t id);

}  // namespace thaw::proc
