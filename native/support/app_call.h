// The record of the App API in an app's memory, for the engine: the part of include/thaw.h that
// both sides use.
#pragma once

#define THAW_LAYOUT_ONLY
#include "include/thaw.h"

// Apps are compiled with it, some of them with an older thaw.h.
static_assert(sizeof(thaw_call) == 40, "the layout of struct thaw_call must stay");

namespace thaw {

/// What a launched app needs to start its program cold after all. It lies right before the strings
/// of thaw_call::arguments. Addresses are of memory that the app keeps. Members are added in front:
/// the code that reads it is the image's.
struct LateColdStart {
  static constexpr uint64_t kNone = ~uint64_t{0};
  uint64_t foreground;  ///< 1: the launch has put a process group of the app's into the foreground
  uint64_t members;     ///< uint32_t pids of the app's other processes, parents first
  uint64_t member_count;
  uint64_t watcher;              ///< process group of who watches the launch, 0: nobody
  uint64_t terminal;             ///< the descriptor whose mode the launch has set, or kNone
  char terminal_mode[64];        ///< the caller's: struct termios of the kernel
  uint64_t umask;                ///< the caller's where the launch has set another one, else ~0
  uint64_t parent_death_signal;  ///< the caller's (PR_GET_PDEATHSIG)
  uint64_t program;              ///< path; 0: the launch was not to start anything cold
  uint64_t argv, envp;
  uint64_t cwd;          ///< the caller's folder where the app has moved, else 0
  uint64_t signal_mask;  ///< the caller's
  uint64_t ignored;      ///< signals that the caller ignored, bit 0: signal 1
  uint64_t kept;         ///< int32_t numbers above 2 that the app has of its caller, ascending
  uint64_t kept_count;
  uint64_t pid;  ///< the new one; adapters take it from here
};

}  // namespace thaw
