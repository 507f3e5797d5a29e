// fanotify: groups that tell of a folder, a file, what they ignore there, and (as root) of a mount and
// of a file system.
#include <sys/fanotify.h>

#include "fds.h"

static void touch(const char* name) {
  close((int)NEED(open(app_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

/// Whether an event with one of these bits, made by this process, is among those that wait.
static int has_event(int fd, uint64_t mask) {
  char buffer[4096] __attribute__((aligned(8)));
  int found = 0;
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;) {
    struct fanotify_event_metadata* event = (struct fanotify_event_metadata*)buffer;
    for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
      if (event->pid == getpid() && (event->mask & mask) != 0) found = 1;
      if (event->fd >= 0) close(event->fd);
    }
  }
  return found;
}

static int group(unsigned flags) {
  int fd = fanotify_init(flags | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
  if (fd < 0) SKIP("no fanotify of this kind here");
  return fd;
}

static void mark(int fd, unsigned flags, uint64_t mask, const char* path) {
  if (fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, path) != 0)
    SKIP("no such mark on this file system");
}

static void check(int fd) {
  CHECK_EQ("events of the launch itself", 0, has_event(fd, ~0ull));
  char name[64];
  snprintf(name, sizeof name, "marked/new-%d", getpid());
  touch(name);
  CHECK_EQ("a file is made in the folder", 1, has_event(fd, FAN_CREATE));
  NEED(chmod(app_path("single"), 0600));
  CHECK_EQ("the file is changed", 1, has_event(fd, FAN_ATTRIB));
  NEED(unlink(app_path(name)));
  CHECK_EQ("what is ignored", 0, has_event(fd, FAN_DELETE));
}

/// What the kernel tells of the group's marks.
static const char* told(int fd) {
  static char text[4096];
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  int info = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  ssize_t size = NEED(read(info, text, sizeof text - 1));
  text[size] = 0;
  close(info);
  const char* marks = strstr(text, "fanotify ");
  return marks == NULL ? "" : marks;
}

/// A mount and a file system where nothing ever happens that it is told.
static int group_of_whole(void) {
  int fd = group(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE);
  mark(fd, FAN_MARK_MOUNT, FAN_OPEN_EXEC, "/proc");
  mark(fd, FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC | FAN_ONDIR, "/proc");
  return fd;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(mkdir(app_path("marked"), 0755));
  touch("single");
  int fd = group(FAN_CLASS_NOTIF | FAN_REPORT_FID);
  mark(fd, 0, FAN_CREATE | FAN_DELETE | FAN_ONDIR | FAN_EVENT_ON_CHILD, app_path("marked"));
  mark(fd, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_DELETE, app_path("marked"));
  mark(fd, 0, FAN_ATTRIB, app_path("single"));
  int empty = group(FAN_CLASS_NOTIF | FAN_REPORT_FID);
  int whole = geteuid() == 0 ? group_of_whole() : -1;
  char before[4096] = "";
  if (whole >= 0) snprintf(before, sizeof before, "%s", told(whole));
  app_wait();

  check(fd);
  CHECK_EQ("events of a group without marks", 0, has_event(empty, ~0ull));
  if (whole >= 0) CHECK_STR("marks of a mount and a file system", before, told(whole));
  return 0;
}
