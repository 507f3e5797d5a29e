// An app that takes its terminal out of line mode: the launch's terminal, another one, gets that
// mode, keeps what else it has, and its size reaches the app. It starts on a terminal of 24 rows.
#include <signal.h>

#include "fds.h"
#include "terminal.h"

static volatile sig_atomic_t resized;

static void note_size(int signal) {
  (void)signal;
  resized++;
}

static unsigned short rows_of(int fd) {
  struct winsize size;
  NEED(ioctl(fd, TIOCGWINSZ, &size));
  return size.ws_row;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  terminal_take(24, 80);
  int held = (int)NEED(open("/dev/tty", O_RDWR | O_CLOEXEC));
  NEED(sigaction(SIGWINCH, &(struct sigaction){.sa_handler = note_size, .sa_flags = SA_RESTART},
                 NULL));
  struct termios mode;
  NEED(tcgetattr(0, &mode));
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  mode.c_iflag &= ~(tcflag_t)IXON;
  mode.c_cc[VMIN] = 3;
  mode.c_cc[VTIME] = 2;
  NEED(tcsetattr(0, TCSANOW, &mode));
  app_wait();

  bool launched = rows_of(0) != 24;
  CHECK_EQ("SIGWINCH", launched ? 1 : 0, resized);
  CHECK_EQ("rows of /dev/tty", rows_of(0), rows_of(held));
  CHECK(fds_closes_on_exec(held));
  NEED(tcgetattr(held, &mode));
  CHECK_EQ("line mode and echo", 0, mode.c_lflag & (ICANON | ECHO));
  CHECK_EQ("signals of keys", ISIG, mode.c_lflag & ISIG);
  CHECK_EQ("IXON", 0, mode.c_iflag & IXON);
  CHECK_EQ("VMIN", 3, mode.c_cc[VMIN]);
  CHECK_EQ("VTIME", 2, mode.c_cc[VTIME]);
  CHECK_EQ("IUTF8, which is the caller's", launched ? IUTF8 : 0, mode.c_iflag & IUTF8);
  CHECK_EQ("VINTR, which is the caller's", launched ? 'X' - '@' : 3, mode.c_cc[VINTR]);
  return 0;
}
