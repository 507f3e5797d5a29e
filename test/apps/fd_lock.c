// Files that the app has locked in every way, one of them with its pid in it: under the policy
// `relock`, each launch holds the same locks, and its own pid stands in the file.
#include <sys/file.h>
#include <sys/wait.h>

#include "fds.h"

static int open_new(const char* name) {
  return (int)NEED(open(app_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

static void lock(int fd, int command, short type, off_t start, off_t size) {
  struct flock wanted = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};
  NEED(fcntl(fd, command, &wanted));
}

/// Which lock another process would run into that wants to write there.
static struct flock found(int fd, int command, off_t start) {
  struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
  NEED(fcntl(fd, command, &wanted));
  return wanted;
}

/// Asked in a child: closing the file ends the locks of the process that does it.
static void check_process_locks(void) {
  pid_t app = getpid(), child = (pid_t)NEED(fork());
  if (child != 0) {
    int status;
    NEED(waitpid(child, &status, 0));
    CHECK_EQ("locks of the process", 0, status);
    return;
  }
  int fd = (int)NEED(open(app_path("process.lock"), O_RDWR | O_CLOEXEC));
  CHECK_EQ("lock before the locks", F_UNLCK, found(fd, F_GETLK, 9).l_type);
  struct flock written = found(fd, F_GETLK, 10), read = found(fd, F_GETLK, 1000);
  CHECK_EQ("type of the first", F_WRLCK, written.l_type);
  CHECK_EQ("start of the first", 10, written.l_start);
  CHECK_EQ("size of the first", 5, written.l_len);
  CHECK_EQ("owner of the first", app, written.l_pid);
  CHECK_EQ("type of the second", F_RDLCK, read.l_type);
  CHECK_EQ("start of the second", 100, read.l_start);
  CHECK_EQ("size of the second", 0, read.l_len);
  _exit(0);
}

static void check_flock(const char* what, const char* name, int operation, int error) {
  int fd = (int)NEED(open(app_path(name), O_RDWR | O_CLOEXEC));
  errno = 0;
  int result = flock(fd, operation | LOCK_NB);
  CHECK_EQ(what, error, result == 0 ? 0 : errno);
  close(fd);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int whole = open_new("whole.lock"), shared = open_new("shared.lock");
  int process = open_new("process.lock"), description = open_new("description.lock");
  NEED(flock(whole, LOCK_EX));
  NEED(flock(shared, LOCK_SH));
  lock(process, F_SETLK, F_WRLCK, 10, 5);
  lock(process, F_SETLK, F_RDLCK, 100, 0);
  lock(description, F_OFD_SETLK, F_WRLCK, 0, 0);
  // Nobody else may have the one file open, nobody write the other.
  const bool wanted = argc > 4 && strcmp(argv[4], "leases") == 0;
  int exclusive = open_new("exclusive.lock");
  close(open_new("reading.lock"));
  int reading = (int)NEED(open(app_path("reading.lock"), O_RDONLY | O_CLOEXEC));
  const bool leases = wanted && fcntl(exclusive, F_SETLEASE, F_WRLCK) == 0;
  if (leases) NEED(fcntl(reading, F_SETLEASE, F_RDLCK));
  dprintf(whole, "%d\n", getpid());
  app_wait();

  check_flock("lock of a locked file", "whole.lock", LOCK_SH, EWOULDBLOCK);
  check_flock("shared lock beside a shared one", "shared.lock", LOCK_SH, 0);
  check_flock("lock beside a shared one", "shared.lock", LOCK_EX, EWOULDBLOCK);
  check_process_locks();
  if (leases) {
    CHECK_EQ("lease of a file of one's own", F_WRLCK, NEED(fcntl(exclusive, F_GETLEASE)));
    CHECK_EQ("lease of a file that is read", F_RDLCK, NEED(fcntl(reading, F_GETLEASE)));
  }
  int other = open_new("description.lock");
  CHECK_EQ("lock of a description", F_WRLCK, found(other, F_OFD_GETLK, 0).l_type);
  char text[32] = "", pid[32];
  snprintf(pid, sizeof pid, "%d\n", getpid());
  NEED(pread(whole, text, sizeof text - 1, 0));
  CHECK_STR("pid in the locked file", pid, text);
  return 0;
}
