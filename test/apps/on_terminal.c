// Runs a program on a terminal of its own: on_terminal ROWS COLUMNS [background] PROGRAM [ARGS...].
// The terminal differs from a new one as a user's may (IUTF8, another interrupt character).
#include <signal.h>

#include "terminal.h"

int main(int argc, char** argv) {
  if (argc < 4) FAIL("usage: on_terminal ROWS COLUMNS [background] PROGRAM [ARGS...]");
  int held = terminal_take((unsigned short)atoi(argv[1]), (unsigned short)atoi(argv[2]));
  struct termios mode;
  NEED(tcgetattr(0, &mode));
  mode.c_iflag |= IUTF8;
  mode.c_cc[VINTR] = 'X' - '@';
  NEED(tcsetattr(0, TCSANOW, &mode));
  char** program = argv + 3;
  if (strcmp(*program, "background") == 0) {
    program++;
    pid_t child = (pid_t)NEED(fork());
    if (child != 0) {
      siginfo_t info;
      NEED(waitid(P_PID, (id_t)child, &info, WEXITED));
      terminal_drain(held);
      _exit(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
    }
    NEED(setpgid(0, 0));
  }
  NEED(execv(*program, program));
  return 0;
}
