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
#include "restorer/signals.h"

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

void set_mode(Handover& handover, int fd, const termios& callers) {
  const model::Terminal& terminal = handover.process->terminal;
  termios mode = callers;
  mode.c_iflag = with(terminal.input, callers.c_iflag);
  mode.c_oflag = with(terminal.output, callers.c_oflag);
  mode.c_lflag = with(terminal.local, callers.c_lflag);
  for (int i = 0; i < NCCS; ++i)
    if ((terminal.characters.changed >> i & 1) != 0) mode.c_cc[i] = terminal.cc[i];
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
  set_mode(handover, fd, callers);
  winsize size = {};
  if (control(fd, TIOCGWINSZ, &size) == 0 &&
      (size.ws_row != terminal.rows || size.ws_col != terminal.columns))
    queue_signal(handover, SIGWINCH);
}

}  // namespace thaw::restorer
