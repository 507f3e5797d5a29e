// All that exec keeps of a process, and the app replaces: a launch that is given up late must leave
// the caller's to the cold start.
//
//   caller_state STATUS GO SCRATCH [brief | alone | tree | workers]
//
// When it may go, it prints "cold" if it has just been started, else "warm", and a line for each
// attribute. With "brief" it prints no more than the first line, and makes next to no call when it is
// started cold; with "alone" it has no second thread as well. With "tree" it has children: one that runs,
// with a child of its own, and one that has ended. With "workers" these have given up root's rights.
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
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
#include "tree.h"

enum { kLongSeconds = 100000, kRealTime = 40 };
/// Of <linux/prctl.h>, which older ones lack (6.3, 6.4).
enum { kSetMdwe = 65, kGetMdwe = 66, kSetMemoryMerge = 67, kGetMemoryMerge = 68 };

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
  // In a pid namespace of the launch, the caller is not seen; the first process there is as it is.
  const int parent = getppid() == 0 ? 1 : (int)getppid();
  snprintf(path, sizeof path, "/proc/%d/ns/time", parent);
  stat("/proc/self/ns/time", &own);
  // That one may not have given up yet what it has more of than the app, which may not look at it then.
  for (int i = 0; stat(path, &parents) != 0 && parent == 1 && i < 500; i++) app_sleep_ms(2);
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
  say("merge: %d\nmdwe: %d\n", prctl(kGetMemoryMerge, 0, 0, 0, 0), prctl(kGetMdwe, 0, 0, 0, 0));
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

/// What a child, and its own, may do.
static void say_rights(const char* pid) {
  static const char* const lines[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:",    "CapPrm:",
                                      "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"};
  static char text[8192];
  char path[64], children[256];
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  read_text(path, text, sizeof text);
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
      if (strncmp(line, lines[i], strlen(lines[i])) == 0) say("  %s\n", line);
  snprintf(path, sizeof path, "/proc/%s/task/%s/children", pid, pid);
  read_text(path, children, sizeof children);
  for (char *rest = children, *child; (child = strsep(&rest, " ")) != NULL;)
    if (*child != '\0') say_rights(child);
}

/// What its children are to it; a cold start has none, and never had.
static void say_children(void) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  static char children[1024];
  read_text(path, children, sizeof children);
  for (char *rest = children, *child; (child = strsep(&rest, " ")) != NULL;) {
    if (*child == '\0') continue;
    snprintf(path, sizeof path, "/proc/%s/stat", child);
    read_text(path, text, sizeof text);
    char name[32] = "", state = '?';
    int parent = 0, group = 0, session = 0;
    sscanf(text, "%*d (%31[^)]) %c %d %d %d", name, &state, &parent, &group, &session);
    const bool own = group == atoi(child);
    say("child: %s %s, group %s, session %s\n", name, state == 'Z' ? "has ended" : "lives",
        own                   ? "its own"
        : group == getpgid(0) ? "this"
                              : "another",
        session == atoi(child) ? "its own"
        : session == getsid(0) ? "this"
                               : "another");
    say_rights(child);
  }
  siginfo_t ended = {0};
  if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
    say("ended: %d\n", ended.si_status);
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
  say_children();
  struct termios mode = {0};
  if (tcgetattr(0, &mode) == 0) say("echo: %d\n", (mode.c_lflag & ECHO) != 0);
  say_descriptors();
}

static pid_t running_child;

static void end_children(void) {
  if (running_child == 0) return;
  if (running_child <= 1) FAIL("the child's pid has become %d", (int)running_child);
  if (kill(running_child, SIGKILL) != 0) CHECK_EQ("errno", ESRCH, errno);  // It was killed before.
  while (waitpid(running_child, NULL, 0) >= 0 || errno == EINTR) {
  }
}

static void end_with_report(bool warm, bool brief) {
  if (brief)
    say("%s\n", warm ? "warm" : "cold");
  else
    make_report(warm);
  unlink(app_path("socket"));
  end_children();
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
  NEED(signal(SIGCHLD, handle) == SIG_ERR ? -1 : 0);
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
  // Of kernels that have them.
  prctl(kSetMemoryMerge, 1, 0, 0, 0);
  prctl(kSetMdwe, 1, 0, 0, 0);
  NEED(mlockall(MCL_FUTURE | MCL_ONFAULT));
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

/// Raw: before the process has a second thread.
static void give_up_rights(bool all) {
  enum { kUser = 4321, kBind = 10, kChown = 0 };  // CAP_NET_BIND_SERVICE, CAP_CHOWN
  const gid_t groups[] = {77, 4242};
  NEED(setgroups(2, groups));
  NEED(prctl(PR_CAPBSET_DROP, kChown, 0, 0, 0));
  if (!all) NEED(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  NEED(setresgid(kUser, kUser, kUser));
  NEED(setresuid(kUser, kUser, kUser));
  if (all) return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {{1u << kBind, 1u << kBind, 1u << kBind}, {0, 0, 0}};
  NEED(syscall(SYS_capset, &header, sets));
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kBind, 0, 0));
  NEED(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
}

static void live_in_tree(int ready) {
  NEED(prctl(PR_SET_PDEATHSIG, SIGKILL));
  NEED(write(ready, "", 1));
  for (;;) app_sleep_ms(10);
}

/// The one that has ended has done so with the signal that says so taken already.
static void start_children(bool workers) {
  int ready[2];
  char bytes[2];
  NEED(pipe(ready));
  running_child = tree_fork();
  if (running_child == 0) {
    NEED(setpgid(0, 0));
    set_signals();
    if (tree_fork() == 0) {
      NEED(setsid());
      if (workers) give_up_rights(false);
      live_in_tree(ready[1]);
    }
    if (workers) give_up_rights(true);
    live_in_tree(ready[1]);
  }
  for (int i = 0; i < 2; i++) NEED(read(ready[0], bytes, 1));
  close(ready[0]);
  close(ready[1]);
  const pid_t ended = tree_fork();
  if (ended == 0 && workers) give_up_rights(true);
  if (ended == 0) _exit(3);
  siginfo_t information;
  NEED(waitid(P_PID, (id_t)ended, &information, WEXITED | WNOWAIT));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const bool workers = argc > 4 && strcmp(argv[4], "workers") == 0;
  const bool tree = workers || (argc > 4 && strcmp(argv[4], "tree") == 0);
  const bool brief = argc > 4 && !tree, alone = brief && strcmp(argv[4], "alone") == 0;
  if (app_may_go()) {
    if (brief && !alone) try_thread();
    end_with_report(false, brief);
  }
  if (tree && !tree_is_telling(getpid())) _exit(kUnluckyStatus);
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));  // Its thread has it, too.
  if (!brief) set_terminal();
  set_descriptors();
  if (tree) start_children(workers);
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
