// Pseudo-terminals with both ends in the app: one as it is made, one in another mode, with packets
// and a size. After a launch they are terminals of another number with all of that.
#include <pty.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "fds.h"

static void check_pair(const char* what, int master, int slave) {
  struct stat status;
  NEED(fstat(slave, &status));
  CHECK(S_ISCHR(status.st_mode) && isatty(slave));
  char* name = ptsname(master);
  CHECK(name != NULL);
  struct stat named;
  NEED(stat(name, &named));
  CHECK_EQ(what, status.st_ino, named.st_ino);
  CHECK_EQ(what, 0600, status.st_mode & 0777);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int plain, plain_slave, other, other_slave;
  NEED(openpty(&plain, &plain_slave, NULL, NULL, NULL));
  NEED(fchmod(plain_slave, 0600));
  struct winsize size = {.ws_row = 33, .ws_col = 77, .ws_xpixel = 5, .ws_ypixel = 6};
  NEED(openpty(&other, &other_slave, NULL, NULL, &size));
  NEED(fchmod(other_slave, 0600));
  struct termios mode, now;
  NEED(tcgetattr(other_slave, &mode));
  cfmakeraw(&mode);
  cfsetspeed(&mode, B9600);
  mode.c_cc[VMIN] = 3;
  NEED(tcsetattr(other_slave, TCSANOW, &mode));
  int on = 1;
  NEED(ioctl(other, TIOCPKT, &on));
  NEED(fcntl(other, F_SETFL, O_NONBLOCK));
  int reader = (int)NEED(open(ptsname(other), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  struct epoll_event event = {.events = EPOLLIN, .data.fd = other};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
  app_wait();

  check_pair("plain pair", plain, plain_slave);
  check_pair("other pair", other, other_slave);
  fds_write(plain, "line\n");
  fds_check_read("what the slave reads", plain_slave, "line\n");
  fds_check_read("its echo", plain, "line\r\n");
  NEED(tcgetattr(other_slave, &now));
  CHECK_EQ("local mode", mode.c_lflag, now.c_lflag);
  CHECK_EQ("input mode", mode.c_iflag, now.c_iflag);
  CHECK_EQ("output mode", mode.c_oflag, now.c_oflag);
  CHECK_EQ("speed", B9600, cfgetospeed(&now));
  CHECK_EQ("VMIN", 3, now.c_cc[VMIN]);
  struct winsize size_now;
  NEED(ioctl(other, TIOCGWINSZ, &size_now));
  CHECK_EQ("rows and columns", 0, memcmp(&size, &size_now, sizeof size));
  fds_check_empty("master of the other pair", other);
  CHECK_EQ("read of the empty master", -1, read(other, &on, 1));
  CHECK_EQ("its error", EAGAIN, errno);
  fds_write(other_slave, "out");
  CHECK_EQ("epoll", 1, NEED(epoll_wait(epoll, &event, 1, 5000)));
  char packet[8] = "";
  CHECK_EQ("packet", 4, NEED(read(other, packet, sizeof packet)));
  CHECK_EQ("its first byte", TIOCPKT_DATA, packet[0]);
  CHECK_STR("its text", "out", packet + 1);
  fds_write(other, "abc");
  CHECK_EQ("access of the second slave", O_RDONLY | O_NONBLOCK,
           fds_status_flags(reader) & (O_ACCMODE | O_NONBLOCK));
  CHECK_EQ("poll", POLLIN, fds_events(reader, POLLIN));
  fds_check_read("second slave", reader, "abc");
  CHECK_EQ("hang-up before its slaves are closed", 0, fds_events(other, 0));
  close(reader);
  close(other_slave);
  CHECK_EQ("hang-up", POLLHUP, fds_events(other, 0));
  return 0;
}
