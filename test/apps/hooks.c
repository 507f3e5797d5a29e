// Registers two hooks and calls thaw_checkpoint(); what they do in a launch is said by its second
// argument. Not run by the table of apps: it has no status file.
//   hooks REGISTER [ACTION]   REGISTER: hooks, refusing | ACTION: good, fail, hang, spin
#define THAW_HOOKS_LIMIT 500
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <thaw.h>

static int say(void* data, const char* what) {
  const char* mode = thaw_variable("MODE");
  printf("%s %s %d %s\n", what, (const char*)data, thaw_launched(), mode == NULL ? "-" : mode);
  fflush(stdout);
  return 0;
}

static int before(void* data) {
  return say(data, "before");
}

static int after(void* data) {
  const char* action = thaw_variable("ACTION");
  if (action == NULL || strcmp((const char*)data, "first") != 0) return say(data, "after");
  if (strcmp(action, "fail") == 0) return -1;
  while (strcmp(action, "hang") == 0) pause();
  while (strcmp(action, "spin") == 0)
    ;
  return say(data, "after");
}

static int refuse(void* data) {
  (void)data;
  return -1;
}

/// As libuv's threads do: an epoll instance that is gone is the end of the app.
static void* poll_events(void* instance) {
  struct epoll_event event;
  for (;;)
    if (epoll_wait(*(int*)instance, &event, 1, 0) == -1 && errno != EINTR) abort();
}

/// What a cold start must not find: of the app itself.
static void change_process(void) {
  static int instance;
  pthread_t other;
  instance = epoll_create1(0);
  if (pthread_create(&other, NULL, poll_events, &instance) != 0) abort();
  signal(SIGUSR1, SIG_IGN);
  if (chdir("/") != 0 || dup2(0, 77) != 77) abort();
}

static void describe(void) {
  char folder[4096];
  struct stat status;
  printf("%s %d %d\n", getcwd(folder, sizeof(folder)), fstat(77, &status),
         signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

int main(int argc, char** argv) {
  static struct thaw_hook first = {before, after, (void*)"first", NULL};
  static struct thaw_hook second = {before, after, (void*)"second", NULL};
  static struct thaw_hook refusing = {refuse, NULL, NULL, NULL};
  printf("main\n");
  fflush(stdout);
  describe();
  thaw_register(&first);
  thaw_register(&second);
  if (argc > 1 && strcmp(argv[1], "refusing") == 0) thaw_register(&refusing);
  if (getenv("THAW_SOCKET") != NULL) change_process();
  int answer = thaw_checkpoint();
  usleep(getenv("THAW_SOCKET") != NULL ? 1200 * 1000 : 0);
  printf("%d %d\n", answer, (int)getpid());
  return 0;
}
