// Does what the go file says, line by line, for tests of exec semantics:
//   print TEXT | exit N | raise N | abort | pause | catch N | echo | ids | args | getenv NAME |
//   origin ("warm" in a restored process, else "cold") | descriptors
#include <signal.h>

#include "harness.h"

static const size_t kWarmMemory = 512u << 20;

/// In a form that no launch takes for a pid and corrects.
static unsigned started_by;
enum { kDisguise = 0x5a5a5a5a };
static volatile sig_atomic_t caught;
static void on_signal(int signal) {
  caught = signal;
}

static void say(const char* format, long a, long b, long c, long d) {
  char text[128];
  int size = snprintf(text, sizeof text, "%s %ld %ld %ld %ld\n", format, a, b, c, d);
  NEED(write(1, text, (size_t)size));
}

/// Waits for a signal; without `number` the default action ends the process.
static void await_signal(int number) {
  if (number != 0) NEED(sigaction(number, &(struct sigaction){.sa_handler = on_signal}, NULL));
  NEED(write(1, "waiting\n", 8));
  while (caught == 0) app_sleep_ms(2);
  say("caught", caught, 0, 0, 0);
}

static void echo(void) {
  char text[4096];
  ssize_t size;
  while ((size = read(0, text, sizeof text)) > 0) NEED(write(1, text, (size_t)size));
}

static void list_descriptors(void) {
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl(fd, F_GETFD) != -1) dprintf(1, "%d ", fd);
  NEED(write(1, "\n", 1));
}

static void act(const char* line, char** argv) {
  char verb[16] = "";
  sscanf(line, "%15s", verb);
  const char* rest = line + strlen(verb);
  while (*rest == ' ') rest++;
  if (strcmp(verb, "print") == 0)
    dprintf(1, "%s\n", rest);
  else if (strcmp(verb, "exit") == 0)
    _exit(atoi(rest));
  else if (strcmp(verb, "raise") == 0)
    raise(atoi(rest));
  else if (strcmp(verb, "abort") == 0)
    abort();
  else if (strcmp(verb, "pause") == 0)
    await_signal(0);
  else if (strcmp(verb, "catch") == 0)
    await_signal(atoi(rest));
  else if (strcmp(verb, "echo") == 0)
    echo();
  else if (strcmp(verb, "ids") == 0)
    say("ids", getpid(), getppid(), getpgid(0), getsid(0));
  else if (strcmp(verb, "getenv") == 0)
    dprintf(1, "%s\n", getenv(rest) == NULL ? "(unset)" : getenv(rest));
  else if (strcmp(verb, "origin") == 0)
    dprintf(1, "%s\n", (started_by ^ kDisguise) == (unsigned)getpid() ? "cold" : "warm");
  else if (strcmp(verb, "descriptors") == 0)
    list_descriptors();
  else if (strcmp(verb, "args") == 0)
    for (; *argv != NULL; argv++) dprintf(1, "%s\n", *argv);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  started_by = (unsigned)getpid() ^ kDisguise;
  // What a warm-up would have built up: a launch needs room for it, a cold start that finds the go
  // file does not.
  if (!app_may_go()) app_map(kWarmMemory);
  app_wait();
  // Read first: the script's descriptor must not be one of those that it lists.
  static char script[4096];
  int fd = (int)NEED(open(app_go, O_RDONLY | O_CLOEXEC));
  NEED(read(fd, script, sizeof script - 1));
  close(fd);
  char* rest = script;
  for (char* line; (line = strsep(&rest, "\n")) != NULL;) act(line, argv);
  return 0;
}
