// A session that begins within the app, with a pseudo-terminal of the app's own for its controlling terminal: its leader, a job
// in the foreground, one in the background, a process that has given the terminal up. Keys, the window's size, job control
// and the hang-up reach whom they would.
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tree.h"

enum { kLeader, kJob, kBackground, kWithout, kAll };

static int to_root[kAll][2], from_root[kAll][2];
static volatile sig_atomic_t interrupts, resizes, hangups;

static void on_signal(int signal) {
  if (signal == SIGINT) interrupts++;
  if (signal == SIGWINCH) resizes++;
  if (signal == SIGHUP) hangups++;
}

static void handle_all(void) {
  const int signals[] = {SIGINT, SIGWINCH, SIGHUP};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    NEED(sigaction(signals[i], &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
                   NULL));
}

static void say(int who) {
  tree_say(to_root[who][1], '.');
}
static void hear(int who) {
  tree_hear(to_root[who][0], '.');
}
static void tell(int who) {
  tree_say(from_root[who][1], '!');
}
static void await_word(int who) {
  tree_hear(from_root[who][0], '!');
}

static void await_signal(const char* what, const volatile sig_atomic_t* hits) {
  for (int i = 0; i < 5000 && *hits == 0; i++) app_sleep_ms(1);
  CHECK_EQ(what, 1, *hits);
}

/// What is open as /dev/tty is this session's terminal, and so is what opens it now.
static void check_terminal(int held) {
  struct stat status;
  NEED(fstat(held, &status));
  CHECK_EQ("device of /dev/tty", makedev(5, 0), status.st_rdev);
  unsigned of_held = 0, of_standard = 1;
  NEED(ioctl(held, TIOCGDEV, &of_held));
  NEED(ioctl(0, TIOCGDEV, &of_standard));
  CHECK_EQ("terminal behind /dev/tty", of_standard, of_held);
  int opened = (int)NEED(open("/dev/tty", O_RDWR | O_CLOEXEC));
  NEED(ioctl(opened, TIOCGDEV, &of_held));
  CHECK_EQ("terminal that is opened", of_standard, of_held);
  close(opened);
}

static void be_job(int held) {
  handle_all();
  say(kJob);
  await_word(kJob);
  check_terminal(held);
  CHECK_EQ("group in the foreground", getpgrp(), NEED(tcgetpgrp(0)));
  CHECK_EQ("SIGWINCH of the launch", 0, resizes);
  say(kJob);
  await_signal("SIGINT", &interrupts);
  say(kJob);
  await_signal("SIGWINCH", &resizes);
  CHECK_EQ("hang-up that was none", 0, hangups);
  _exit(41);
}

static void be_background(void) {
  say(kBackground);
  await_word(kBackground);
  char line[16] = "";
  CHECK_EQ("bytes of the line", 5, NEED(read(0, line, sizeof line)));
  CHECK_STR("line", "line\n", line);
  _exit(42);
}

static void be_without(int held) {
  NEED(ioctl(held, TIOCNOTTY));
  say(kWithout);
  await_word(kWithout);
  CHECK_EQ("open of /dev/tty", -1, open("/dev/tty", O_RDWR | O_CLOEXEC));
  CHECK_EQ("its error", ENXIO, errno);
  _exit(43);
}

static pid_t make(int who, int held) {
  pid_t child = tree_fork();
  if (child == 0) {
    NEED(setpgid(0, 0));
    if (who == kJob) be_job(held);
    if (who == kBackground) be_background();
    be_without(held);
  }
  while (getpgid(child) != child) app_sleep_ms(1);
  return child;
}

static void lead(int slave) {
  NEED(setsid());
  NEED(ioctl(slave, TIOCSCTTY, 0));
  for (int fd = 0; fd < 2; fd++) NEED(dup2(slave, fd));
  close(slave);
  int held = (int)NEED(open("/dev/tty", O_RDWR | O_CLOEXEC));
  pid_t children[kAll];
  for (int who = kJob; who < kAll; who++) children[who] = make(who, held);
  NEED(tcsetpgrp(0, children[kJob]));
  signal(SIGTTOU, SIG_IGN);
  handle_all();
  say(kLeader);
  await_word(kLeader);
  check_terminal(held);
  CHECK_EQ("session of the terminal", getpid(), NEED(tcgetsid(0)));
  CHECK_EQ("group in the foreground", children[kJob], NEED(tcgetpgrp(0)));
  tree_expect_exit("exit status of the job", 41, children[kJob]);
  CHECK_EQ("SIGINT of a job", 0, interrupts);
  CHECK_EQ("SIGWINCH of a job", 0, resizes);
  tree_expect_exit("exit status of who has no terminal", 43, children[kWithout]);
  // Who reads in the background is stopped.
  int status = 0;
  NEED(waitpid(children[kBackground], &status, WUNTRACED));
  CHECK_EQ("stop in the background", SIGTTIN << 8 | 0x7f, status);
  NEED(tcsetpgrp(0, children[kBackground]));
  NEED(kill(-children[kBackground], SIGCONT));
  say(kLeader);
  tree_expect_exit("exit status in the background", 42, children[kBackground]);
  NEED(tcsetpgrp(0, getpgrp()));
  say(kLeader);
  await_signal("SIGHUP", &hangups);
  char byte;
  CHECK_EQ("read after the hang-up", 0, NEED(read(held, &byte, 1)));
  _exit(40);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  for (int who = 0; who < kAll; who++) {
    NEED(pipe2(to_root[who], O_CLOEXEC));
    NEED(pipe2(from_root[who], O_CLOEXEC));
  }
  int master, slave;
  NEED(openpty(&master, &slave, NULL, NULL, NULL));
  NEED(fcntl(master, F_SETFD, FD_CLOEXEC));
  pid_t leader = tree_fork();
  if (leader == 0) {
    close(master);
    lead(slave);
  }
  close(slave);
  for (int who = 0; who < kAll; who++) hear(who);
  app_wait();

  for (int who = 0; who < kAll; who++)
    if (who != kBackground) tell(who);
  hear(kJob);
  NEED(write(master, "\003", 1));
  hear(kJob);
  NEED(ioctl(master, TIOCSWINSZ, &(struct winsize){.ws_row = 50, .ws_col = 90}));
  tell(kBackground);
  hear(kLeader);
  NEED(write(master, "line\n", 5));
  hear(kLeader);
  close(master);
  tree_expect_exit("exit status of the leader", 40, leader);
  return 0;
}
