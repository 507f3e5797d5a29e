// Descriptor numbers: high ones, gaps, many of them, numbers that the caller and the launcher use
// themselves, and copies of the caller's 0, 1 and 2 under other numbers.
#include <dirent.h>
#include <sys/resource.h>

#include "fds.h"

static int count_open(void) {
  DIR* directory = opendir("/proc/self/fd");
  CHECK(directory != NULL);
  int count = 0;
  struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) count += entry->d_name[0] != '.';
  closedir(directory);
  return count - 1;  // the directory's own
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  for (int number = 3; number < 1024; number++) close(number);  // what a caller may have left open
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit));
  int highest = limit.rlim_cur > 1000 ? 999 : (int)limit.rlim_cur - 1;
  int fd = fds_open_file("numbers", "0123456789");
  int copy_of_error = (int)NEED(fcntl(2, F_DUPFD_CLOEXEC, 20));
  NEED(dup2(fd, highest));
  // Low numbers are those that a launcher's own files get: each must end as the app's.
  for (int number = fd + 1; number < 20; number++)
    if (number != fd) NEED(dup2(fd, number));
  // So many that a checkpoint looks at them in two threads.
  for (int number = 100; number < 900; number += 2) NEED(dup2(fd, number));
  int other = (int)NEED(fcntl(fds_open_file("other", "abc"), F_DUPFD, 901));
  int count = count_open();
  app_wait();

  CHECK_EQ("open descriptors", count, count_open());
  NEED(lseek(highest, 3, SEEK_SET));
  for (int number = fd; number < 20; number++)
    CHECK_EQ("shared offset", 3, lseek(number, 0, SEEK_CUR));
  for (int number = 100; number < 900; number += 2) {
    CHECK_EQ("shared offset", 3, lseek(number, 0, SEEK_CUR));
    CHECK_EQ("gap", -1, fcntl(number + 1, F_GETFD));
  }
  CHECK_EQ("offset of another file", 0, lseek(other, 0, SEEK_CUR));
  CHECK(fds_closes_on_exec(copy_of_error) && !fds_closes_on_exec(highest));
  struct stat error, copy;
  NEED(fstat(2, &error));
  NEED(fstat(copy_of_error, &copy));
  CHECK_EQ("copy of the caller's descriptor 2", error.st_ino, copy.st_ino);
  for (int number = 0; number < 3; number++) NEED(fcntl(number, F_GETFD));
  return 0;
}
