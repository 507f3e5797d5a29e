// All that exec keeps of a process, and the app replaces: a launch that is given up late must leave
// the caller's to the cold start.
//
//   caller_state STATUS GO SCRATCH [brief | alone]
//
// When it may go, it prints "cold" if it has just been started, else "warm", and a line for each
// attribute. With "brief" it prints no more than the first line, and makes next to no call when it is
// started cold; with "alone" it has no second thread as well.
#include <dirent.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "terminal.h"

enum { kLongSeconds = 100000, kRealTime = 40 };

static char report[65536];
static size_t report_size;

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report_size +=
      (size_t)vsnprintf(report + report_size, sizeof report - report_size, format, arguments);
  va_end(arguments);
}

static void read_text(const char* path, char* text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);
  text[got < 0 ? 0 : got] = '\0';
  if (fd >= 0) close(fd);
}

static void say_status(bool warm) {
  static const char* const lines[] = {
      "Name:",   "Umask:",  "VmLck:",  "Threads:", "SigPnd:", "ShdPnd:",     "SigBlk:",
      "SigIgn:", "SigCgt:", "CapPrm:", "CapEff:",  "CapBnd:", "NoNewPrivs:", "Cpus_allowed:"};
  static char text[8192];
  read_text("/proc/self/status", text, sizeof text);
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
      if (strncmp(line, lines[i], strlen(lines[i])) == 0) say("%s\n", line);
  read_text("/proc/self/limits", text, sizeof text);
  say("%s", text);
  read_text("/proc/self/coredump_filter", text, sizeof text);
  say("coredump_filter: %s", text);
  read_text("/proc/self/oom_score_adj", text, sizeof text);
  say("oom_score_adj: %s", text);
  if (warm) return;
  char path[64];
  struct stat own = {0}, parents = {0};
  snprintf(path, sizeof path, "/proc/%d/ns/time", (int)getppid());
  stat("/proc/self/ns/time", &own);
  stat(path, &parents);
  say("time namespace: %s\n", own.st_ino == parents.st_ino ? "the caller's" : "another");
  say("scheduler: %d %d\n", sched_getscheduler(0), getpriority(0, 0));
}

static void say_prctl(void) {
  int subreaper = 0, death = 0;
  NEED(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  NEED(prctl(PR_GET_PDEATHSIG, &death));
  say("subreaper: %d\nparent death signal: %d\nslack: %d\nthp: %d\ndumpable: %d\n", subreaper,
      death, prctl(PR_GET_TIMERSLACK), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
      prctl(PR_GET_DUMPABLE));
  say("machine checks: %d\npersonality: %x\n", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
      personality(0xffffffff));
}

static void say_timers(void) {
  for (int which = 0; which < 3; which++) {
    struct itimerval timer;
    NEED(getitimer(which, &timer));
    say("interval timer %d: %s\n", which, timer.it_value.tv_sec > 0 ? "runs" : "none");
  }
  static char text[4096];
  read_text("/proc/self/timers", text, sizeof text);
  int count = 0;
  for (char* at = text; (at = strstr(at, "ID:")) != NULL; at++) count++;
  say("timers: %d\n", count);
  for (long id = 0; id < count; id++) {
    struct itimerspec timer = {0};
    syscall(SYS_timer_gettime, id, &timer);
    say("timer %ld: %s\n", id, timer.it_value.tv_sec > 0 ? "runs" : "stands");
  }
}

static void say_descriptors(void) {
  for (int fd = 0; fd < 256; fd++) {
    char path[64], link[512] = "";
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, link, sizeof link - 1) < 0) continue;
    link[strcspn(link, "0123456789")] = '\0';
    say("descriptor %d: %d %s\n", fd, flags, link);
  }
}

/// Descriptors of its own are opened and closed before the list is made.
static void make_report(bool warm) {
  char folder[512] = "";
  NEED(getcwd(folder, sizeof folder));
  say("%s\ncwd: %s\n", warm ? "warm" : "cold", folder);
  say("socket file: %s\n", access(app_path("socket"), F_OK) == 0 ? "there" : "none");
  say_status(warm);
  say_prctl();
  say_timers();
  struct termios mode = {0};
  if (tcgetattr(0, &mode) == 0) say("echo: %d\n", (mode.c_lflag & ECHO) != 0);
  say_descriptors();
}

static void end_with_report(bool warm, bool brief) {
  if (brief)
    say("%s\n", warm ? "warm" : "cold");
  else
    make_report(warm);
  unlink(app_path("socket"));
  NEED(write(1, report, report_size));
  _exit(0);
}

static void handle(int signal) {
  (void)signal;
}

static void* wait_for_ever(void* barrier) {
  NEED(prctl(PR_SET_TIMERSLACK, 222222));
  NEED(raise(SIGUSR2));
  // Nice value, I/O priority and CPU of its own.
  NEED(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1));
  NEED(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(sched_getcpu(), &cpus);
  NEED(sched_setaffinity(0, sizeof cpus, &cpus));
  pthread_barrier_wait(barrier);
  for (;;) app_sleep_ms(10);
  return NULL;
}

static void set_signals(void) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, kRealTime);
  NEED0(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
  NEED(signal(SIGUSR2, handle) == SIG_ERR ? -1 : 0);
  NEED(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0);
  NEED(signal(SIGTTOU, SIG_IGN) == SIG_ERR ? -1 : 0);
  NEED(kill(getpid(), SIGUSR1));
  NEED(raise(SIGUSR2));
  NEED(sigqueue(getpid(), kRealTime, (union sigval){.sival_int = 1}));
  NEED(sigqueue(getpid(), kRealTime, (union sigval){.sival_int = 2}));
}

static void set_timers(void) {
  const struct itimerval interval = {{0, 0}, {kLongSeconds, 0}};
  for (int which = 0; which < 3; which++) NEED(setitimer(which, &interval, NULL));
  const struct itimerspec once = {{0, 0}, {kLongSeconds, 0}};
  for (int i = 0; i < 2; i++) {
    timer_t timer;
    NEED(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    NEED(timer_settime(timer, 0, &once, NULL));
  }
}

static void set_attributes(void) {
  int fd = (int)NEED(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  NEED(write(fd, "0x11", 4));
  close(fd);
  NEED(chdir(app_scratch));
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
  NEED(prctl(PR_SET_TIMERSLACK, 123456));
  NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  NEED(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
  NEED(personality(ADDR_NO_RANDOMIZE));
  NEED(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}));
  NEED(prctl(PR_SET_NAME, "another name"));
  // Tighter than the caller's, so that they are its own.
  umask(077);
  NEED(setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){1000, 1000}));
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  // A user may not checkpoint what cannot be dumped.
  if (geteuid() == 0) NEED(prctl(PR_SET_DUMPABLE, 0));
}

static void set_descriptors(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%s", app_path("socket"));
  int listening = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(listening, (struct sockaddr*)&name, sizeof name));
  NEED(listen(listening, 4));
  int pair[2], ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  struct {
    int type, pid;
  } owner = {0, gettid()};
  NEED(fcntl(pair[0], F_SETOWN_EX, &owner));
  NEED(pipe(ends));
  int event = (int)NEED(eventfd(3, 0));
  int epoll = (int)NEED(epoll_create1(0));
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &(struct epoll_event){.events = EPOLLIN}));
  int timer = (int)NEED(timerfd_create(CLOCK_MONOTONIC, 0));
  NEED(timerfd_settime(timer, 0, &(struct itimerspec){{0, 0}, {kLongSeconds, 0}}, NULL));
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGURG);
  NEED(signalfd(-1, &signals, 0));
  int watch = (int)NEED(inotify_init1(0));
  NEED(inotify_add_watch(watch, app_scratch, IN_DELETE_SELF));
  int deleted = (int)NEED(open(app_path("deleted"), O_RDWR | O_CREAT | O_TRUNC, 0600));
  NEED(unlink(app_path("deleted")));
  NEED(write(deleted, "content", 7));
  NEED(write(pair[1], "queued", 6));
  NEED(open("/dev/null", O_RDWR));
}

static void set_terminal(void) {
  close(terminal_take(24, 80));
  struct termios mode;
  NEED(tcgetattr(0, &mode));
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  NEED(tcsetattr(0, TCSANOW, &mode));
}

/// Late enough for the other to wait.
static void* do_nothing(void* argument) {
  app_sleep_ms(2);
  return argument;
}

/// What a filter must allow to an app that has threads.
static void try_thread(void) {
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, do_nothing, NULL));
  NEED0(pthread_join(thread, NULL));
}

static void start_thread(void) {
  pthread_barrier_t barrier;
  NEED0(pthread_barrier_init(&barrier, NULL, 2));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, wait_for_ever, &barrier));
  pthread_barrier_wait(&barrier);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const bool brief = argc > 4, alone = brief && strcmp(argv[4], "alone") == 0;
  if (app_may_go()) {
    if (brief && !alone) try_thread();
    end_with_report(false, brief);
  }
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));  // Its thread has it, too.
  if (!brief) set_terminal();
  set_descriptors();
  set_signals();
  if (!alone) start_thread();
  NEED(mlock(app_map(app_page()), app_page()));
  void* shared =
      NEED_MAP(mmap(NULL, app_page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  memset(shared, 1, app_page());
  set_timers();
  set_attributes();
  app_wait();
  end_with_report(true, brief);
}
