// A terminal that is not the app's own, in a mode that a program for a serial line would set, is opened
// again by a policy: in that mode, though its last user has left it in another.
#include <poll.h>
#include <signal.h>

#include "fds.h"
#include "terminal.h"

static bool has_user(int controller) {
  struct pollfd poll_for = {controller, POLLIN, 0};
  NEED(poll(&poll_for, 1, 0));
  return (poll_for.revents & POLLHUP) == 0;
}

/// The terminal's other end, which puts its mode back whenever its last user has left it.
static void hold_controller(int controller, const struct termios* usual) {
  if (fork() != 0) _exit(0);
  setsid();
  alarm(120);
  char text[64];
  while (true) {
    while (!has_user(controller)) app_sleep_ms(2);
    while (read(controller, text, sizeof text) > 0) continue;
    NEED(tcsetattr(controller, TCSANOW, usual));
  }
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int controller = (int)NEED(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  NEED(grantpt(controller));
  NEED(unlockpt(controller));
  int line = (int)NEED(open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC));
  struct termios usual, mode;
  NEED(tcgetattr(line, &usual));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    close(line);
    hold_controller(controller, &usual);
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED));
  close(controller);
  mode = usual;
  cfmakeraw(&mode);
  cfsetspeed(&mode, B57600);
  mode.c_cflag |= PARENB;
  mode.c_cc[VTIME] = 7;
  NEED(tcsetattr(line, TCSANOW, &mode));
  NEED(tcgetattr(line, &usual));
  app_wait();

  NEED(tcgetattr(line, &mode));
  CHECK_EQ("input mode", usual.c_iflag, mode.c_iflag);
  CHECK_EQ("output mode", usual.c_oflag, mode.c_oflag);
  CHECK_EQ("control mode", usual.c_cflag, mode.c_cflag);
  CHECK_EQ("local mode", usual.c_lflag, mode.c_lflag);
  CHECK_EQ("speed", B57600, cfgetospeed(&mode));
  CHECK_EQ("VTIME", 7, mode.c_cc[VTIME]);
  CHECK(fds_closes_on_exec(line));
  return 0;
}
