// Files and folders in /proc of a child, open in the child itself, in its parent and in both by one
// description: they tell of the processes that have their place.
#include <dirent.h>

#include "tree.h"

/// The id that "stat" or "status" begins with, from where the description stands.
static long first_number(int fd, const char* behind) {
  char text[4096] = {0};
  NEED(lseek(fd, 0, SEEK_SET));
  CHECK(NEED(read(fd, text, sizeof text - 1)) > 0);
  const char* at = behind == NULL ? text : strstr(text, behind);
  CHECK(at != NULL);
  return strtol(behind == NULL ? at : at + strlen(behind), NULL, 10);
}

static int open_of(pid_t pid, const char* name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d%s", (int)pid, name);
  return (int)NEED(open(path, O_RDONLY | O_CLOEXEC | flags));
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int of_child[2], of_second[2], ready[2];
  NEED(pipe(of_child));
  NEED(pipe(of_second));
  NEED(pipe(ready));
  const pid_t child = tree_fork();
  if (child == 0) {
    const int own = open_of(getpid(), "/stat", 0);
    tree_say(ready[1], 'o');
    tree_wait_go();
    CHECK_EQ("the child's own", getpid(), first_number(own, NULL));
    tree_say(of_child[1], 'c');
    pause();
  }
  const int stat = open_of(child, "/stat", 0);
  const int status = open_of(child, "/status", 0);
  const int folder = open_of(child, "", O_DIRECTORY);
  const int tasks = open_of(child, "/task", O_DIRECTORY);
  const int own = open_of(getpid(), "/stat", 0);
  // One description for two processes.
  const pid_t second = tree_fork();
  if (second == 0) {
    tree_wait_go();
    tree_hear(of_second[0], 'p');
    CHECK_EQ("of the sister, after the parent's read", child, first_number(stat, NULL));
    _exit(7);
  }
  tree_hear(ready[0], 'o');
  NEED(lseek(status, 10, SEEK_SET));
  app_wait();

  CHECK_EQ("position", 10, NEED(lseek(status, 0, SEEK_CUR)));
  CHECK_EQ("stat of the child", child, first_number(stat, NULL));
  CHECK_EQ("status of the child", child, first_number(status, "\nPid:"));
  CHECK_EQ("stat of the first", getpid(), first_number(own, NULL));
  const int within = (int)NEED(openat(folder, "stat", O_RDONLY | O_CLOEXEC));
  CHECK_EQ("stat in the child's folder", child, first_number(within, NULL));
  char name[32];
  snprintf(name, sizeof name, "%d/stat", (int)child);
  const int thread = (int)NEED(openat(tasks, name, O_RDONLY | O_CLOEXEC));
  CHECK_EQ("stat of the child's thread", child, first_number(thread, NULL));
  tree_hear(of_child[0], 'c');
  tree_say(of_second[1], 'p');
  tree_expect_exit("the second child", 7, second);
  NEED(kill(child, SIGKILL));
  tree_wait(child);
  return 0;
}
