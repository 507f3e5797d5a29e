// Makes each system call of a launch fail in turn, and compares the app's report with those of an
// exec and of a launch that nothing disturbs (caller_state.c).
//
//   fail_call ERRNO|kill THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]
//
// With "kill" the calls do not fail: of an app of several processes, each but the first is killed at each
// of its calls. An app that lives on without it may tell of it.
//
// Prints what was wrong and how many starts were warm and cold.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#include <sys/user.h>
#endif

#include "terminal.h"

enum { kMostOutput = 65536, kSecondsForLaunch = 60 };

struct Run {
  long number;  ///< of the call that failed, -1: none did
  int status;
  char output[kMostOutput];
};

static int output_file, error_file;
static struct termios mode;  ///< of descriptor 0

static void need(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(2);
}

/// A caller with something of its own in every attribute.
static void be_caller(void) {
  umask(027);
  dup2(output_file, 1);
  dup2(error_file, 2);
  dup2(0, 40);
  fcntl(40, F_SETFD, 0);
  dup2(0, 7);
  tcsetattr(0, TCSANOW, &mode);
  // One that does no harm to an app that does not block it.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGURG);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  kill(getpid(), SIGURG);
  signal(SIGUSR2, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 77777);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {5000, 0}}, NULL);
  int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
  if (filter >= 0 && write(filter, "0x21", 4) < 0) _exit(3);
  if (filter >= 0) close(filter);
}

/// A call that is about to be made becomes none.
static void skip_call(pid_t tid) {
#if defined(__x86_64__)
  need(ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, orig_rax), -1) == 0, "skip");
#elif defined(__aarch64__)
  int none = -1;
  struct iovec part = {&none, sizeof none};
  need(ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &part) == 0, "skip");
#else
  enum { kSetSyscall = 23 };  // PTRACE_SET_SYSCALL of <asm/ptrace.h>
  need(ptrace((enum __ptrace_request)kSetSyscall, tid, 0, -1) == 0, "skip");
#endif
}

static void set_result(pid_t tid, long result) {
#if defined(__x86_64__)
  need(ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax), result) == 0, "result");
#else
  // The result is in the first register.
  unsigned long registers[64];
  struct iovec part = {registers, sizeof registers};
  need(ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &part) == 0, "registers");
  registers[0] = (unsigned long)result;
  need(ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &part) == 0, "result");
#endif
}

/// What libc does before main().
static bool is_start_up(long number) {
  static const long numbers[] = {
      SYS_brk,        SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
      SYS_prlimit64,  SYS_readlinkat,      SYS_getrandom,       SYS_mprotect,
#ifdef SYS_arch_prctl
      SYS_arch_prctl,
#endif
#ifdef SYS_readlink
      SYS_readlink,
#endif
#ifdef SYS_mmap
      SYS_mmap,
#endif
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (numbers[i] == number) return true;
  return false;
}

/// Ends of what is tried: exec's own failure is the program's, and the others cannot fail, nor can the
/// app's own limit (caller_state.c) be refused to who could ask for one.
static bool is_left_out(const struct __ptrace_syscall_info* info) {
  const long number = (long)info->entry.nr;
  if (number == SYS_prlimit64) return info->entry.args[1] == RLIMIT_MSGQUEUE;
  if (number == SYS_prctl) return info->entry.args[0] == PR_SET_NO_NEW_PRIVS;
  return number == SYS_execve || number == SYS_execveat || number == SYS_exit ||
         number == SYS_exit_group || number == SYS_futex;
}

/// Counts the calls between the two execs, or up to the return to the app.
struct Count {
  int execs;
  bool started, over;
  long wanted, seen, error;
  pid_t failing;  ///< the thread whose call has been skipped, 0: none
  pid_t root;     ///< the process that the launch began as
};

/// `error` of whoever wants processes killed instead.
enum { kKill = 0 };

static pid_t process_of(pid_t tid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
  int fd = open(path, O_RDONLY | O_CLOEXEC), group = 0;
  ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[size < 0 ? 0 : size] = '\0';
  const char* line = strstr(text, "\nTgid:");
  if (line != NULL) sscanf(line, " Tgid: %d", &group);
  return group;
}

static void on_call(struct Count* count, pid_t tid, struct Run* run) {
  struct __ptrace_syscall_info info = {0};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) {
    need(errno == ESRCH, "info");  // A launch that is given up has killed it meanwhile.
    return;
  }
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && count->failing == tid) {
    set_result(tid, -count->error);
    count->failing = 0;
    count->over = true;
  }
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY || count->execs != 1 || count->over) return;
  const long number = (long)info.entry.nr;
  if (number == SYS_rt_sigreturn) count->over = true;
  if (!count->started && is_start_up(number)) return;
  count->started = true;
  const bool kills = count->error == kKill;
  const pid_t process = kills ? process_of(tid) : 0;
  if (kills && (process == count->root || process <= 1)) return;
  if (count->over || is_left_out(&info) || ++count->seen != count->wanted) return;
  run->number = number;
  if (kills) {
    count->over = true;
    kill(process, SIGKILL);
    return;
  }
  count->failing = tid;
  skip_call(tid);
}

/// Until none of its processes is left, whoever has made them: this one takes them all in.
static void follow(pid_t child, struct Count* count, struct Run* run) {
  for (;;) {
    int status = 0;
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0 && errno == ECHILD) return;
    need(tid > 0, "waitpid");
    if (!WIFSTOPPED(status)) {
      if (tid == child) run->status = status;
      continue;
    }
    const int event = status >> 16;
    int signal = event != 0 ? 0 : WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      on_call(count, tid, run);
      signal = 0;
    }
    if (event == PTRACE_EVENT_EXEC) count->execs++;
    // A thread may have ended meanwhile.
    ptrace(count->over || count->execs > 1 ? PTRACE_CONT : PTRACE_SYSCALL, tid, 0, signal);
  }
}

/// As descriptor 0; the others stay.
static void take_terminal(void) {
  int others[] = {dup(1), dup(2)};
  close(terminal_take(40, 100));
  for (int i = 0; i < 2; i++) {
    dup2(others[i], 1 + i);
    close(others[i]);
  }
  need(tcgetattr(0, &mode) == 0, "terminal");
}

static void collect(struct Run* run) {
  ssize_t size = pread(output_file, run->output, sizeof run->output - 1, 0);
  run->output[size < 0 ? 0 : size] = '\0';
}

static struct Run* start(char** command, long wanted, long error) {
  static struct Run runs[4];
  static int next;
  struct Run* run = &runs[next < 3 ? next++ : 3];
  need(ftruncate(output_file, 0) == 0 && ftruncate(error_file, 0) == 0, "output");
  lseek(output_file, 0, SEEK_SET);
  lseek(error_file, 0, SEEK_SET);
  *run = (struct Run){.number = -1};
  int go[2];
  need(pipe2(go, O_CLOEXEC) == 0, "pipe");
  const pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    char byte;
    if (read(go[0], &byte, 1) != 1) _exit(3);
    be_caller();
    execv(command[0], command);
    _exit(3);
  }
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  need(ptrace(PTRACE_SEIZE, child, 0, options) == 0, "seize");
  need(ptrace(PTRACE_INTERRUPT, child, 0, 0) == 0, "interrupt");
  need(write(go[1], "", 1) == 1, "go");
  close(go[0]);
  close(go[1]);
  struct Count count = {.wanted = wanted, .error = error, .root = child};
  alarm(kSecondsForLaunch);
  follow(child, &count, run);
  alarm(0);
  collect(run);
  return run;
}

static void print_file(int fd) {
  char text[1024];
  const ssize_t size = pread(fd, text, sizeof text - 1, 0);
  text[size < 0 ? 0 : size] = '\0';
  printf("%s\n", text);
}

/// The first line that differs.
static void print_difference(const char* wanted, const char* got) {
  while (*wanted != '\0' && *got != '\0') {
    const size_t a = strcspn(wanted, "\n"), b = strcspn(got, "\n");
    if (a != b || memcmp(wanted, got, a) != 0) {
      printf("  expected: %.*s\n  got:      %.*s\n", (int)a, wanted, (int)b, got);
      return;
    }
    wanted += a + (wanted[a] != '\0');
    got += b + (got[b] != '\0');
  }
}

int main(int argc, char** argv) {
  need(argc > 4, "usage: fail_call ERRNO THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]");
  const long error = strcmp(argv[1], "kill") == 0 ? kKill : atol(argv[1]);
  char** launch = argv + 2;
  char** program = launch;
  while (*program != NULL && strcmp(*program, "--") != 0) program++;
  need(*program++ != NULL, "no --");
  take_terminal();
  need(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "subreaper");
  output_file = memfd_create("output", MFD_CLOEXEC);
  error_file = memfd_create("error", MFD_CLOEXEC);

  start(program, -1, 0);  // Removes what the checkpoint left of the app.
  const struct Run *cold = start(program, -1, 0), *warm = start(launch, -1, 0);
  if (strncmp(cold->output, "cold\n", 5) != 0 || strncmp(warm->output, "warm\n", 5) != 0) {
    printf("nothing to compare with: %x %s\n%x %s\n", cold->status, cold->output, warm->status,
           warm->output);
    print_file(error_file);
    return 1;
  }
  int warm_count = 0, cold_count = 0, wrong = 0;
  for (long wanted = 1;; wanted++) {
    const struct Run* run = start(launch, wanted, error);
    if (run->number < 0) break;
    const bool is_warm = strncmp(run->output, "warm", 4) == 0;
    const char* right = is_warm ? warm->output : cold->output;
    is_warm ? warm_count++ : cold_count++;
    const bool may_differ = error == kKill && is_warm;
    if (run->status == 0 && (may_differ || strcmp(run->output, right) == 0)) continue;
    wrong++;
    printf("call %ld (system call %ld) failed: %s, status %x\n", wanted, run->number,
           is_warm ? "warm" : "cold", run->status);
    print_difference(right, run->output);
    print_file(error_file);
  }
  printf("%d warm, %d cold, %d wrong\n", warm_count, cold_count, wrong);
  return wrong == 0 ? 0 : 1;
}
