// A process of several, in a state that no launch gives back to it: argv[4] says which.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "aio.h"
#include "rights.h"
#include "terminal.h"
#include "tree.h"

enum { kNobody = 65534 };

static char* cgroup;                 ///< that it has made
static int last_word[2] = {-1, -1};  ///< closed when all may end

__attribute__((noreturn)) static void rest(void) {
  NEED(prctl(PR_SET_PDEATHSIG, 0));
  if (getenv("HOLD_LATER") != NULL)
    app_sleep_ms(100);  // All may end by then, but something is to be seen.
  while (!app_may_go()) app_sleep_ms(2);
  _exit(0);
}

/// An even number that cannot be told.
static int few_bits(pid_t pid) {
  return pid % 2 == 0 && !tree_is_telling(pid);
}

static void hold_untold(void) {
  for (;;) {
    pid_t child = (pid_t)NEED(fork());
    if (child == 0 && few_bits(getpid()) == 0) _exit(0);
    if (child == 0) rest();
    if (few_bits(child)) return;
    NEED(waitpid(child, NULL, 0));
  }
}

/// clone(2) as fork(2), with flags.
static pid_t fork_with(unsigned long flags) {
  for (int i = 0; i < 200; i++) {
    pid_t child = (pid_t)NEED(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
    if (child == 0 && tree_is_telling((pid_t)syscall(SYS_getpid))) return 0;
    if (child == 0) _exit(0);
    if (tree_is_telling(child)) return child;
    NEED(waitpid(child, NULL, 0));
  }
  SKIP("no pid here is an unlikely number");
}

static void hold_files(void) {
  if (fork_with(CLONE_FILES) == 0) rest();
}

static void hold_fs(void) {
  if (fork_with(CLONE_FS) == 0) rest();
}

/// The child says that the state stands: its parent waits within vfork(2).
static void hold_vfork(void) {
  for (int i = 0; i < 200; i++) {
    pid_t child = (pid_t)NEED(vfork());
    if (child != 0) {
      if (app_may_go()) _exit(0);
      NEED(waitpid(child, NULL, 0));
      continue;
    }
    if (!tree_is_telling((pid_t)syscall(SYS_getpid))) _exit(0);
    app_ready();
    while (!app_may_go()) app_sleep_ms(2);
    _exit(0);
  }
}

/// The first process is what it gives up to be, and its child is not.
static void hold_more_user(void) {
  if (geteuid() != 0) SKIP("only root can do that");
  NEED(chmod(app_scratch, 0777));
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, 0));
    tree_say(said[1], 'u');
    rest();
  }
  tree_hear(said[0], 'u');
  NEED(setgroups(0, NULL));
  NEED(setresgid(kNobody, kNobody, kNobody));
  NEED(setresuid(kNobody, kNobody, kNobody));
}

/// Its child keeps a capability, and the users are the same.
static void hold_more_capabilities(void) {
  enum { kBind = 10 };  // CAP_NET_BIND_SERVICE
  if (geteuid() != 0) SKIP("only root can do that");
  NEED(chmod(app_scratch, 0777));
  NEED(setgroups(0, NULL));
  NEED(setresgid(kNobody, kNobody, kNobody));
  NEED(prctl(PR_SET_KEEPCAPS, 1));
  NEED(setresuid(kNobody, kNobody, kNobody));
  NEED(prctl(PR_SET_KEEPCAPS, 0));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {{0, 1u << kBind, 0}, {0, 0, 0}};
  NEED(syscall(SYS_capset, &header, sets));
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    tree_say(said[1], 'c');
    rest();
  }
  tree_hear(said[0], 'c');
  memset(sets, 0, sizeof sets);
  NEED(syscall(SYS_capset, &header, sets));
}

static void be_nobody(void) {
  NEED(setresgid(kNobody, kNobody, kNobody));
  NEED(setresuid(kNobody, kNobody, kNobody));
}

static void hold_late_filter(void) {
  if (geteuid() != 0) SKIP("only root can do that");
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {1, all};
    NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    be_nobody();
    tree_say(said[1], 'f');
    rest();
  }
  tree_hear(said[0], 'f');
}

/// A child that goes on in a root directory of its own, after `before` if that is there.
static void jail_child(void (*before)(void)) {
  if (geteuid() != 0) SKIP("only root can do that");
  int said[2];
  NEED(pipe(said));
  NEED(pipe(last_word));
  NEED(mkdir(app_path("jail"), 0755));
  if (tree_fork() == 0) {
    if (before != NULL) before();
    NEED(chroot(app_path("jail")));
    close(last_word[1]);
    tree_say(said[1], 'r');
    char byte;
    CHECK_EQ("the last word", 0, read(last_word[0], &byte, 1));
    _exit(0);
  }
  tree_hear(said[0], 'r');
}

static void hold_no_root(void) {
  jail_child(NULL);
  NEED(rmdir(app_path("jail")));
}

static void write_pid_file(void) {
  char text[16];
  const int size = snprintf(text, sizeof text, "%d\n", getpid());
  int fd = (int)NEED(open(app_path("own.pid"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  NEED(write(fd, text, (size_t)size));
  NEED(close(fd));
}

/// Its pid file is outside of its root directory.
static void hold_jail(void) {
  jail_child(write_pid_file);
}

/// Of the hierarchy with this file, wherever that is.
static void hold_cgroup(void) {
  static const char* const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
                                      "/sys/fs/cgroup/freezer"};
  char folder[96], path[128], own[16];
  if (geteuid() != 0) SKIP("only root can do that");
  pid_t child = tree_fork();
  if (child == 0) rest();
  const int size = snprintf(own, sizeof own, "%d", (int)child);
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
    snprintf(folder, sizeof folder, "%s/thaw-test-%d", roots[i], (int)getpid());
    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    if (mkdir(folder, 0755) != 0) continue;
    cgroup = strdup(folder);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const bool moved = fd >= 0 && write(fd, own, (size_t)size) == size;
    if (fd >= 0) close(fd);
    if (moved) return;
    rmdir(folder);
    cgroup = NULL;
  }
  NEED(kill(child, SIGKILL));
  tree_wait(child);
  SKIP("there is no cgroup to be made here");
}

/// One that has ended has said whom the socket signals.
static void hold_signaller(void) {
  if (geteuid() != 0) SKIP("only root can do that");
  int said[2];
  const int fd = (int)NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(pipe(said));
  const pid_t child = tree_fork();
  if (child == 0) {
    NEED(setresuid(kNobody, kNobody, kNobody));
    NEED(fcntl(fd, F_SETOWN, getppid()));
    _exit(0);
  }
  tree_expect_exit("who has said it", 0, child);
  if (tree_fork() == 0) {
    NEED(setresuid(kNobody + 1, kNobody + 1, kNobody + 1));
    tree_say(said[1], 's');
    rest();
  }
  tree_hear(said[0], 's');
}

/// The second is in the first one's group, and that one has ended.
static void hold_group(void) {
  pid_t leader = tree_fork();
  if (leader == 0) {
    NEED(setpgid(0, 0));
    pause();
  }
  while (getpgid(leader) != leader) app_sleep_ms(1);
  pid_t second = tree_fork();
  if (second == 0) rest();
  NEED(setpgid(second, leader));
  NEED(kill(leader, SIGKILL));
  tree_wait(leader);
}

static void hold_session(void) {
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
  int said[2];
  NEED(pipe(said));
  pid_t leader = tree_fork();
  if (leader == 0) {
    NEED(setsid());
    if (tree_fork() == 0) {
      while (getppid() == getsid(0)) app_sleep_ms(1);
      tree_say(said[1], 's');
      rest();
    }
    _exit(0);
  }
  tree_wait(leader);
  tree_hear(said[0], 's');
}

/// The other end is held by a process that is not the app's.
static void hold_terminal(void) {
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    close(terminal_take(24, 80));
    tree_say(said[1], 't');
    rest();
  }
  tree_hear(said[0], 't');
}

static int said_by_child[2];

static void* make_child(void* argument) {
  if (tree_fork() == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    tree_say(said_by_child[1], 'd');
    while (!app_may_go()) app_sleep_ms(2);
    _exit(0);
  }
  while (!app_may_go()) app_sleep_ms(2);
  return argument;
}

static void hold_death_signal(void) {
  pthread_t maker;
  NEED(pipe(said_by_child));
  NEED0(pthread_create(&maker, NULL, make_child, NULL));
  tree_hear(said_by_child[0], 'd');
}

static void hold_traced(void) {
  int said[2];
  NEED(pipe(said));
  pid_t child = tree_fork();
  if (child == 0) {
    tree_say(said[1], 'c');
    rest();
  }
  tree_hear(said[0], 'c');
  NEED(ptrace(PTRACE_SEIZE, child, 0, 0));
}

/// The child tells its pid, and nobody has read it.
static void hold_queued(void) {
  int said[2];
  NEED(pipe(said));
  pid_t child = tree_fork();
  if (child == 0) {
    const pid_t own = getpid();
    CHECK_EQ("bytes written", sizeof own, NEED(write(said[1], &own, sizeof own)));
    rest();
  }
  struct pollfd told = {said[0], POLLIN, 0};
  NEED(poll(&told, 1, -1));
}

/// What a launch's first process would open as its own.
/// Those of a whole process come back (tree_files).
static void hold_thread_proc(void) {
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    NEED(open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
    tree_say(said[1], 'p');
    rest();
  }
  tree_hear(said[0], 'p');
}

static void hold_proc_path(void) {
  int said[2];
  NEED(pipe(said));
  pid_t child = tree_fork();
  if (child == 0) {
    tree_say(said[1], 'p');
    rest();
  }
  tree_hear(said[0], 'p');
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", (int)child);
  NEED(open(path, O_PATH | O_CLOEXEC));
}

static void hold_netlink(void) {
  int said[2];
  NEED(pipe(said));
  if (tree_fork() == 0) {
    const int fd = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};
    NEED(bind(fd, (struct sockaddr*)&name, sizeof name));
    tree_say(said[1], 'n');
    rest();
  }
  tree_hear(said[0], 'n');
}

/// The child has the ring's memory, and no ring.
static void hold_aio(void) {
  int said[2];
  NEED(pipe(said));
  aio_setup(8);
  if (tree_fork() == 0) {
    tree_say(said[1], 'r');
    rest();
  }
  tree_hear(said[0], 'r');
}

/// A launch makes it when all processes are there, and the queue before.
static void hold_sent_pidfd(void) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  pid_t other = tree_fork();
  if (other == 0) rest();
  rights_give(ends[0], "x", (int)NEED(syscall(SYS_pidfd_open, other, 0)));
}

/// A launch's first process sends all messages.
static void hold_sender(void) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
  NEED(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  if (tree_fork() == 0) {
    fds_write(ends[0], "sent by the child");
    rest();
  }
  fds_wait_for_data(ends[1]);
}

/// Two locks of processes on one open file description.
static void hold_two_locks(void) {
  int said[2];
  NEED(pipe(said));
  const int fd = (int)NEED(open(app_path("locked"), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  NEED(fcntl(fd, F_SETLK, &lock));
  if (tree_fork() == 0) {
    NEED(fcntl(fd, F_SETLK, &lock));
    tree_say(said[1], 'l');
    rest();
  }
  tree_hear(said[0], 'l');
}

static void watch_new(int epoll) {
  struct epoll_event event = {.events = EPOLLIN};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, (int)NEED(eventfd(0, EFD_CLOEXEC)), &event));
}

/// Each of two processes has put something into an epoll that the other one has not.
static void hold_split_epoll(void) {
  int said[2];
  NEED(pipe(said));
  const int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  if (tree_fork() == 0) {
    watch_new(epoll);
    tree_say(said[1], 'e');
    rest();
  }
  tree_hear(said[0], 'e');
  NEED(fcntl(epoll, F_DUPFD_CLOEXEC, 60));  // So that the other's number is free here.
  watch_new(epoll);
}

static const struct {
  const char* name;
  void (*hold)(void);
} holders[] = {
    {"untold", hold_untold},
    {"files", hold_files},
    {"fs", hold_fs},
    {"vfork", hold_vfork},
    {"more-user", hold_more_user},
    {"more-capabilities", hold_more_capabilities},
    {"late-filter", hold_late_filter},
    {"no-root", hold_no_root},
    {"jail", hold_jail},
    {"cgroup", hold_cgroup},
    {"signaller", hold_signaller},
    {"group", hold_group},
    {"session", hold_session},
    {"terminal", hold_terminal},
    {"death-signal", hold_death_signal},
    {"traced", hold_traced},
    {"queued", hold_queued},
    {"thread-proc", hold_thread_proc},
    {"proc-path", hold_proc_path},
    {"netlink", hold_netlink},
    {"aio", hold_aio},
    {"sent-pidfd", hold_sent_pidfd},
    {"sender", hold_sender},
    {"two-locks", hold_two_locks},
    {"split-epoll", hold_split_epoll},
};

int main(int argc, char** argv) {
  tree_start(argc, argv);
  NEED(argc == 5 ? 0 : -1);
  const bool later = getenv("HOLD_LATER") != NULL;  // As the remedies say.
  if (later) app_wait();
  for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
    if (strcmp(holders[i].name, argv[4]) == 0) holders[i].hold();
  if (!later) app_wait();
  close(last_word[1]);
  while (waitpid(-1, NULL, 0) > 0) {
  }
  if (cgroup != NULL) NEED(rmdir(cgroup));
  return 0;
}
