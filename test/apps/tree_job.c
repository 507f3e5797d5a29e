// Job control in the caller's terminal, as a shell's: a job in the foreground that has changed the terminal's mode, one that
// Ctrl-Z has stopped, and the first process, which waits for both. It starts on a terminal of 24 rows.
#include <signal.h>

#include "terminal.h"
#include "tree.h"

static volatile sig_atomic_t resizes;
static void on_resize(int signal) {
  (void)signal;
  resizes++;
}

static void be_job(int to) {
  NEED(sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_resize, .sa_flags = SA_RESTART},
                 NULL));
  while (tcgetpgrp(0) != getpgrp()) app_sleep_ms(1);
  struct termios mode;
  NEED(tcgetattr(0, &mode));
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  mode.c_cc[VMIN] = 3;
  NEED(tcsetattr(0, TCSANOW, &mode));
  tree_say(to, 'j');
  tree_wait_go();
  CHECK_EQ("group in the foreground", getpgrp(), NEED(tcgetpgrp(0)));
  NEED(tcgetattr(0, &mode));
  CHECK_EQ("line mode and echo", 0, mode.c_lflag & (ICANON | ECHO));
  CHECK_EQ("VMIN", 3, mode.c_cc[VMIN]);
  struct winsize size;
  NEED(ioctl(0, TIOCGWINSZ, &size));
  CHECK_EQ("SIGWINCH", size.ws_row != 24, resizes);
  mode.c_lflag |= ICANON | ECHO;
  NEED(tcsetattr(0, TCSANOW, &mode));
  _exit(51);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  close(terminal_take(24, 80));
  signal(SIGTTOU, SIG_IGN);
  int said[2];
  NEED(pipe(said));
  pid_t stopped = tree_fork();
  if (stopped == 0) {
    signal(SIGTTOU, SIG_DFL);
    NEED(setpgid(0, 0));
    NEED(kill(0, SIGTSTP));
    CHECK_EQ("group in the foreground", getpgrp(), NEED(tcgetpgrp(0)));
    _exit(52);
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)stopped, &info, WSTOPPED | WNOWAIT));
  pid_t job = tree_fork();
  if (job == 0) {
    NEED(setpgid(0, 0));
    be_job(said[1]);
  }
  while (getpgid(job) != job) app_sleep_ms(1);
  NEED(tcsetpgrp(0, job));
  tree_hear(said[0], 'j');
  app_wait();

  tree_expect_exit("exit status of the job", 51, job);
  CHECK_EQ("group in the foreground", job, NEED(tcgetpgrp(0)));
  int status = 0;
  CHECK_EQ("who was stopped", stopped, NEED(waitpid(-1, &status, WUNTRACED | WNOHANG)));
  CHECK_EQ("by what", SIGTSTP << 8 | 0x7f, status);
  NEED(tcsetpgrp(0, stopped));
  NEED(kill(-stopped, SIGCONT));
  tree_expect_exit("exit status of the one that was stopped", 52, stopped);
  NEED(tcsetpgrp(0, getpgrp()));
  return 0;
}
