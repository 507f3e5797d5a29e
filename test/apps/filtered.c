// Starts an app under filters of system calls that forbid one call each, by killing and by an error:
// where a cold start lives, a launch must live.
//
//   filtered [--allowed=CALL] THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]
//
// Left out is what the libc of a static program needs before main(): getrandom, readlink.
//
// The app prints "warm" or "cold" (caller_state.c). Prints what was wrong, and how many starts were
// warm, cold, and impossible in either way.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_filter.h"

struct Call {
  const char* name;
  long number;
};

#define CALL(name) {#name, SYS_##name},
static const struct Call calls[] = {
    // clang-format off
    CALL(bind) CALL(brk) CALL(chdir) CALL(clone) CALL(clone3) CALL(close) CALL(close_range) CALL(connect) CALL(dup3)
    CALL(epoll_create1) CALL(epoll_ctl) CALL(eventfd2) CALL(exit) CALL(fchdir) CALL(fchmod) CALL(fcntl)
    CALL(fgetxattr) CALL(flock) CALL(fstat) CALL(ftruncate) CALL(futex) CALL(getcpu) CALL(getcwd) CALL(getegid)
    CALL(geteuid) CALL(getgid) CALL(getpid) CALL(getpriority) CALL(getsockname) CALL(getsockopt)
    CALL(gettid) CALL(getuid) CALL(getxattr) CALL(inotify_init1) CALL(kill) CALL(listen) CALL(lseek) CALL(madvise)
    CALL(membarrier) CALL(memfd_create) CALL(mlock2) CALL(mprotect) CALL(mremap) CALL(munmap) CALL(openat)
    CALL(personality) CALL(pipe2) CALL(prctl) CALL(pread64) CALL(preadv2) CALL(prlimit64) CALL(ptrace) CALL(read)
    CALL(readahead) CALL(rseq) CALL(rt_sigaction) CALL(rt_sigpending) CALL(rt_sigprocmask)
    CALL(rt_sigqueueinfo) CALL(rt_sigreturn) CALL(rt_sigtimedwait) CALL(rt_tgsigqueueinfo) CALL(sched_getaffinity)
    CALL(sched_setaffinity) CALL(sched_setscheduler) CALL(sendmsg) CALL(set_robust_list) CALL(set_tid_address)
    CALL(setitimer) CALL(setns) CALL(setsockopt) CALL(shutdown) CALL(socket) CALL(socketpair) CALL(statx) CALL(tgkill)
    CALL(timer_create) CALL(timer_delete) CALL(timer_settime) CALL(timerfd_create) CALL(unlinkat) CALL(unshare)
    CALL(wait4) CALL(waitid) CALL(write)
    CALL(capget) CALL(execveat) CALL(fchmodat) CALL(fchown) CALL(fchownat) CALL(getdents64) CALL(getpgid)
    CALL(inotify_add_watch) CALL(ioctl) CALL(ioprio_set) CALL(mlockall) CALL(sendfile) CALL(sendto)
    CALL(accept4) CALL(nanosleep) CALL(pkey_alloc) CALL(pkey_free) CALL(pkey_mprotect) CALL(seccomp)
    CALL(setpriority) CALL(signalfd4) CALL(sysinfo) CALL(timerfd_settime) CALL(umask) CALL(uname) CALL(utimensat)
    CALL(getppid) CALL(recvmsg) CALL(getsid) CALL(mq_getsetattr) CALL(mq_open) CALL(shmat)
    CALL(shmctl) CALL(shmdt) CALL(shmget) CALL(pidfd_open) CALL(io_setup) CALL(fanotify_init)
    CALL(fanotify_mark) CALL(semget) CALL(semctl) CALL(semop) CALL(msgget) CALL(msgctl)
#ifdef SYS_access
    CALL(stat) CALL(lstat) CALL(open) CALL(unlink) CALL(fork) CALL(vfork)
#endif
#ifdef SYS_mmap
    CALL(mmap)
#else
    CALL(mmap2)
#endif
#ifdef SYS_newfstatat
    CALL(newfstatat)
#endif
#ifdef SYS_arch_prctl
    CALL(arch_prctl)
#endif
#ifdef SYS_fadvise64
    CALL(fadvise64)
#endif
#ifdef SYS_fstatfs
    CALL(fstatfs)
#endif
    // clang-format on
};

enum { kSecondsForStart = 10 };

static int output_file;

static void need(int good, const char* what) {
  if (good) return;
  perror(what);
  exit(2);
}

static void forbid(long number, unsigned action) {
  struct CallFilter filter = call_filter(number, action);
  const struct sock_fprog program = {kCallFilterSize, filter.rules};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(3);
}

static int end_of(pid_t child) {
  int status = 0;
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == kSecondsForStart * 1000) kill(child, SIGKILL);
    usleep(1000);
  }
  return status;
}

/// What the command printed first, 'd' if it did not end well.
static char start(char** command, long number, unsigned action) {
  need(ftruncate(output_file, 0) == 0, "output");
  lseek(output_file, 0, SEEK_SET);
  const pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    dup2(output_file, 1);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(3);
    forbid(number, action);
    execv(command[0], command);
    _exit(3);
  }
  const int status = end_of(child);
  char text[8] = "";
  need(pread(output_file, text, sizeof text - 1, 0) >= 0, "read");
  if (status == 0 && strcmp(text, "warm\n") == 0) return 'w';
  return status == 0 && strcmp(text, "cold\n") == 0 ? 'c' : 'd';
}

int main(int argc, char** argv) {
  need(argc > 3, "usage: filtered [--allowed=CALL] THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]");
  const char* allowed = strncmp(argv[1], "--allowed=", 10) == 0 ? argv[1] + 10 : "";
  char** launch = argv + (*allowed == '\0' ? 1 : 2);
  char** program = launch;
  while (*program != NULL && strcmp(*program, "--") != 0) program++;
  need(*program++ != NULL, "no --");
  output_file = memfd_create("output", MFD_CLOEXEC);
  int warm = 0, cold = 0, impossible = 0, wrong = 0;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    for (int kills = 0; kills < 2; kills++) {
      if (strcmp(calls[i].name, allowed) == 0) continue;
      const unsigned action = kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
      const char exec = start(program, calls[i].number, action);
      const char got = start(launch, calls[i].number, action);
      if (got == 'w') warm++;
      if (got == 'c') cold++;
      if (got != 'd') continue;
      if (exec == 'd') {
        impossible++;
        continue;
      }
      wrong++;
      printf("%s %s: an exec lives, a launch does not\n", calls[i].name,
             kills ? "killed" : "refused");
    }
  printf("%d warm, %d cold, %d impossible, %d wrong\n", warm, cold, impossible, wrong);
  return wrong == 0 ? 0 : 1;
}
