// An app that takes its terminal out of line mode: the launch's terminal, another one, gets that
// mode, keeps what else it has, and its size reaches the app, as do the copies of modes that the app
// keeps. It starts on a terminal of 24 rows.
// With "doubtful", only what a user may have changed as well differs. With "background", the mode is
// another's at the checkpoint: the launch's terminal stays as it is.
#include <signal.h>

#include "fds.h"
#include "terminal.h"

static volatile sig_atomic_t resized;
/// As an editor keeps them: the mode from before its own, which it sets again at its end, and its own.
static struct termios found, own;

static void note_size(int signal) {
  (void)signal;
  resized++;
}

static unsigned short rows_of(int fd) {
  struct winsize size;
  NEED(ioctl(fd, TIOCGWINSZ, &size));
  return size.ws_row;
}

/// Another process group, whose process has ended, has the terminal from now on.
static void leave_foreground(void) {
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    pause();
    _exit(0);
  }
  NEED(setpgid(child, child));
  NEED(tcsetpgrp(0, child));
  NEED(kill(child, SIGKILL));
  NEED(waitpid(child, NULL, 0));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  close(terminal_take(24, 80));
  int held = (int)NEED(open("/dev/tty", O_RDWR | O_CLOEXEC));
  NEED(sigaction(SIGWINCH, &(struct sigaction){.sa_handler = note_size, .sa_flags = SA_RESTART},
                 NULL));
  struct termios mode;
  NEED(tcgetattr(0, &found));
  mode = found;
  if (argc > 4 && strcmp(argv[4], "doubtful") == 0) {
    mode.c_iflag &= ~(tcflag_t)IXON;
    mode.c_cc[VINTR] = 'X' - '@';
    NEED(tcsetattr(0, TCSANOW, &mode));
    app_wait();
    return 0;
  }
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  mode.c_iflag &= ~(tcflag_t)IXON;
  mode.c_cc[VMIN] = 3;
  mode.c_cc[VTIME] = 2;
  NEED(tcsetattr(0, TCSANOW, &mode));
  NEED(tcgetattr(0, &own));
  bool background = argc > 4;
  if (background) leave_foreground();
  app_wait();

  bool launched = rows_of(0) != 24;
  // Whoever has set the mode draws what this terminal does not show, in each launch.
  if (launched && !background)
    CHECK(resized >= 1);
  else
    CHECK_EQ("SIGWINCH", launched ? 1 : 0, resized);
  CHECK_EQ("rows of /dev/tty", rows_of(0), rows_of(held));
  CHECK(fds_closes_on_exec(held));
  CHECK_EQ("VINTR of the mode from before", launched ? 'X' - '@' : 3, found.c_cc[VINTR]);
  CHECK_EQ("IUTF8 of it", launched ? IUTF8 : 0, found.c_iflag & IUTF8);
  CHECK_EQ("line mode and echo of it", ICANON | ECHO, found.c_lflag & (ICANON | ECHO));
  NEED(tcgetattr(held, &mode));
  if (background && launched) {
    CHECK_EQ("line mode and echo", ICANON | ECHO, mode.c_lflag & (ICANON | ECHO));
    CHECK_EQ("IXON", IXON, mode.c_iflag & IXON);
    return 0;
  }
  CHECK(memcmp(&own, &mode, sizeof mode) == 0);
  CHECK_EQ("line mode and echo", 0, mode.c_lflag & (ICANON | ECHO));
  CHECK_EQ("signals of keys", ISIG, mode.c_lflag & ISIG);
  CHECK_EQ("IXON", 0, mode.c_iflag & IXON);
  CHECK_EQ("VMIN", 3, mode.c_cc[VMIN]);
  CHECK_EQ("VTIME", 2, mode.c_cc[VTIME]);
  CHECK_EQ("IUTF8, which is the caller's", launched ? IUTF8 : 0, mode.c_iflag & IUTF8);
  CHECK_EQ("VINTR, which is the caller's", launched ? 'X' - '@' : 3, mode.c_cc[VINTR]);
  return 0;
}
