#include "restorer/terminal.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <asm/unistd.h>
#include <linux/signal.h>

#include "arch/this_cpu.h"
#include "restorer/callers_state.h"
#include "restorer/cold_start.h"
#include "restorer/members.h"
#include "restorer/signals.h"
#include "restorer/tree.h"

namespace thaw::restorer {
namespace {

long control(long fd, long request, void* argument) {
  return raw::call(__NR_ioctl, fd, request, reinterpret_cast<long>(argument));
}

/// What drivers say of what is no terminal, or none any more.
bool is_no_terminal(long result) {
  return result == -ENOTTY || result == -EBADF || result == -EIO || result == -EINVAL ||
         result == -ENODEV;
}

/// Who may not ask (a filter of system calls) does not know what a cold start would find.
bool is_terminal(Handover& handover, int fd, termios& mode) {
  const long result = control(fd, TCGETS, &mode);
  if (!is_no_terminal(result)) check(handover, result, "cannot ask for the terminal's mode");
  return result == 0;
}

/// The first descriptor that was the app's terminal and is one; -1: none.
int find_terminal(Handover& handover, termios& mode) {
  const model::Terminal& terminal = handover.process->terminal;
  for (int fd = 0; fd < 3; ++fd)
    if ((terminal.standard >> fd & 1) != 0 && is_terminal(handover, fd, mode)) return fd;
  if (terminal.held >= 0 && is_terminal(handover, terminal.held, mode)) return terminal.held;
  return -1;
}

uint32_t with(const model::OwnBits& own, uint32_t callers) {
  return (callers & ~own.changed) | (own.value & own.changed);
}

bool equal(const termios& a, const termios& b) {
  bool same = a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag;
  for (int i = 0; i < NCCS; ++i) same = same && a.c_cc[i] == b.c_cc[i];
  return same;
}

/// The caller's foreground is the app's only where the app is in it.
void keep_callers_foreground(Handover& handover, int fd) {
  const long own = raw::call(__NR_getpgid, 0);
  int* kept = &handover.cold.callers.foreground;
  check(handover, control(fd, TIOCGPGRP, kept), "cannot ask for the foreground process group");
  check(handover, *kept == own ? 0 : -ENOTTY,
        "the app has a job in the foreground of its terminal, and is in the background");
  note_undo(handover, __NR_ioctl, fd, TIOCSPGRP, reinterpret_cast<long>(kept));
  if (handover.call_address != 0) late_cold_start(handover).foreground = 1;
}

/// Such an app draws a screen or a line of its own, which this terminal does not show. All that do
/// draw it again on SIGWINCH.
bool has_own_mode(const model::Terminal& terminal) {
  return (terminal.input.changed | terminal.output.changed | terminal.local.changed |
          terminal.characters.changed) != 0;
}

/// The caller's, with what the app has made of it.
termios mode_for(const model::Terminal& terminal, const termios& callers) {
  termios mode = callers;
  mode.c_iflag = with(terminal.input, callers.c_iflag);
  mode.c_oflag = with(terminal.output, callers.c_oflag);
  mode.c_lflag = with(terminal.local, callers.c_lflag);
  for (int i = 0; i < NCCS; ++i)
    if ((terminal.characters.changed >> i & 1) != 0) mode.c_cc[i] = terminal.cc[i];
  return mode;
}

/// An app that sets the mode keeps the one from before, which it sets again at its end.
void correct_copies(const Handover& handover, const termios& callers, const termios& mode) {
  static_assert(sizeof(termios) == model::kModeSize);
  constexpr uint64_t kFirstSpeed = 52, kSecondSpeed = 56;
  const auto put = [](uint64_t address, const void* bytes, uint64_t size) {
    __builtin_memcpy(reinterpret_cast<void*>(static_cast<uintptr_t>(address)), bytes, size);
  };
  for (uint32_t i = 0; i < handover.process->mode_copies.count; ++i) {
    const model::ModeCopy& copy = handover.mode_copies[i];
    const termios& now = copy.of == model::ModeCopyOf::start ? callers : mode;
    put(copy.address, &now, sizeof(now));
    if (copy.speeds == 0) continue;
    const uint32_t speed = now.c_cflag & CBAUD;
    put(copy.address + kFirstSpeed, &speed, sizeof(speed));
    put(copy.address + kSecondSpeed, &speed, sizeof(speed));
  }
}

void set_mode(Handover& handover, int fd, const termios& callers, termios mode) {
  if (equal(mode, callers)) return;
  // The kernel stops who does that in the background; but all signals are blocked here.
  int foreground = 0;
  const bool ours = control(fd, TIOCGPGRP, &foreground) == 0;
  if (ours && foreground != raw::call(__NR_getpgid, 0))
    check(handover, -ENOTTY, "the app has set its terminal's mode, and is in the background");
  auto* kept = reinterpret_cast<termios*>(handover.cold.callers.terminal);
  static_assert(sizeof(callers) <= sizeof(handover.cold.callers.terminal));
  *kept = callers;
  note_undo(handover, __NR_ioctl, fd, TCSETS, reinterpret_cast<long>(kept));
  check(handover, control(fd, TCSETS, &mode), "cannot set the terminal's mode");
  if (handover.call_address == 0) return;
  LateColdStart& late = late_cold_start(handover);
  late.terminal = static_cast<uint64_t>(fd);
  __builtin_memcpy(late.terminal_mode, &callers, sizeof(callers));
  static_assert(sizeof(callers) <= sizeof(late.terminal_mode));
}

}  // namespace

void replace_terminal_mode(Handover& handover) {
  const model::Terminal& terminal = handover.process->terminal;
  termios callers = {};
  const int fd = find_terminal(handover, callers);
  if (fd < 0) return;
  // All processes of a tree have the same terminal; the root's cold start puts it back.
  if (!is_member(handover)) {
    const termios mode = mode_for(terminal, callers);
    set_mode(handover, fd, callers, mode);
    correct_copies(handover, callers, mode);
  }
  // Who waits for a job in the foreground draws nothing.
  if (handover.process->foreground != model::kNone) return;
  winsize size = {};
  if (has_own_mode(terminal) || (control(fd, TIOCGWINSZ, &size) == 0 &&
                                 (size.ws_row != terminal.rows || size.ws_col != terminal.columns)))
    queue_signal(handover, SIGWINCH);
}

void give_foreground(Handover& handover) {
  const Tree* tree = handover.tree;
  if (tree == nullptr || tree->terminal < 0) return;
  if (!is_member(handover)) keep_callers_foreground(handover, tree->terminal);
  int group = static_cast<int>(tree->pid(handover.process->foreground));
  check(handover, control(tree->terminal, TIOCSPGRP, &group),
        "cannot put a process group into the foreground");
}

}  // namespace thaw::restorer
