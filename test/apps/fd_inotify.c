// inotify: watches keep their numbers and masks. With an argument, in a folder that is very large.
#include <limits.h>
#include <sys/inotify.h>

#include "fds.h"

static void touch(const char* name) {
  close((int)NEED(open(app_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

static void check_event(int fd, int watch, uint32_t mask, const char* name) {
  char buffer[512] __attribute__((aligned(8)));
  struct inotify_event* event = (struct inotify_event*)buffer;
  ssize_t size = read(fd, buffer, sizeof(struct inotify_event) + 256);
  if (size <= 0) FAIL("event of %s, expected, got %s", name, strerror(errno));
  CHECK_EQ("watch", watch, event->wd);
  CHECK_EQ("mask", mask, event->mask);
  CHECK_STR("name", name, event->len > 0 ? event->name : "");
}

enum { kCrowd = 101000, kMostLinks = 50000 };

static const char* crowd_name(int i) {
  static char name[32];
  snprintf(name, sizeof name, "%d", i);
  return name;
}

/// Makes a folder with more names than a checkpoint looks at elsewhere, in memory, and goes there.
static void work_in_crowd(void) {
  char folder[] = "/dev/shm/thaw-crowd-XXXXXX";
  if (mkdtemp(folder) == NULL) SKIP("no folder in memory");
  NEED(chdir(folder));
  char first[32];
  for (int i = 0; i < kCrowd; i++) {
    if (i % kMostLinks != 0) {
      NEED(link(first, crowd_name(i)));
      continue;
    }
    snprintf(first, sizeof first, "%d", i);
    close((int)NEED(open(first, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
  }
}

static void remove_crowd(void) {
  char folder[PATH_MAX];
  CHECK(getcwd(folder, sizeof folder) != NULL);
  for (int i = 0; i < kCrowd; i++) NEED(unlink(crowd_name(i)));
  NEED(rmdir(folder));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (argc > 4) work_in_crowd();
  NEED(mkdir(app_path("watched"), 0755));
  NEED(mkdir(app_path("removed"), 0755));
  touch("single");
  int fd = (int)NEED(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  int removed = (int)NEED(inotify_add_watch(fd, app_path("removed"), IN_CREATE));
  int directory =
      (int)NEED(inotify_add_watch(fd, app_path("watched"), IN_CREATE | IN_DELETE | IN_ONLYDIR));
  int file = (int)NEED(inotify_add_watch(fd, app_path("single"), IN_ATTRIB));
  NEED(inotify_rm_watch(fd, removed));
  char buffer[512];
  NEED(read(fd, buffer, sizeof buffer));  // IN_IGNORED
  app_wait();

  if (argc > 4) remove_crowd();
  CHECK_EQ("events without a change", -1, read(fd, buffer, sizeof buffer));
  char name[64];
  snprintf(name, sizeof name, "watched/new-%d", getpid());
  touch(name);
  check_event(fd, directory, IN_CREATE, strchr(name, '/') + 1);
  NEED(unlink(app_path(name)));
  check_event(fd, directory, IN_DELETE, strchr(name, '/') + 1);
  NEED(chmod(app_path("single"), 0600));
  check_event(fd, file, IN_ATTRIB, "");
  CHECK_EQ("events of a removed watch", -1, read(fd, buffer, sizeof buffer));
  CHECK_EQ("watch added again", directory, inotify_add_watch(fd, app_path("watched"), IN_CREATE));
  NEED(inotify_rm_watch(fd, file));
  return 0;
}
