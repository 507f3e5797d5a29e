// Tells which instructions of a static program are executed.
//
//   executed FIRST END COMMAND ARGS...
//
// Runs COMMAND step by step, with all processes and threads that it makes, and prints the addresses from FIRST to END (hexadecimal)
// that were executed, each on a line. Who leaves this range after the last exec for other code than the kernel's own goes on by itself: of a launch,
// it is what thaw-exec executes until the restorer takes over. Ends when nobody is followed any more.
// Exit code: 0, or 1 with a message.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const int kOptions =
    PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

static int fail(const char* what) {
  fprintf(stderr, "executed: %s: %s\n", what, strerror(errno));
  return 1;
}

/// In code of the kernel's, which it comes back from.
static bool is_passing(pid_t tid, unsigned long address) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)tid);
  FILE* maps = fopen(path, "r");
  bool passing = false;
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= address && address < end)
      passing = strstr(line, "[vdso]") != NULL || strstr(line, "[vsyscall]") != NULL;
  }
  if (maps != NULL) fclose(maps);
  return passing;
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fputs("usage: executed FIRST END COMMAND ARGS...\n", stderr);
    return 1;
  }
  const unsigned long first = strtoul(argv[1], NULL, 16), end = strtoul(argv[2], NULL, 16);
  unsigned char* executed = calloc(1, end - first);
  if (executed == NULL) return fail("calloc");
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execvp(argv[3], argv + 3);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return fail("fork");
  if (ptrace(PTRACE_SETOPTIONS, child, 0, kOptions) != 0) return fail("ptrace");
  bool entered = false;
  int followed = 1;
  ptrace(PTRACE_SINGLESTEP, child, 0, 0);
  while (followed > 0) {
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) return fail("waitpid");
    if (!WIFSTOPPED(status)) {
      followed--;
      continue;
    }
    const int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
      entered = false;
      memset(executed, 0, end - first);
    } else if (event != 0) {
      followed++;
    }
    struct __ptrace_syscall_info info = {0};
    ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info);
    const unsigned long address = info.instruction_pointer;
    const bool inside = first <= address && address < end;
    if (inside) executed[address - first] = 1;
    entered = entered || inside;
    const bool left = entered && !inside && !is_passing(tid, address);
    const bool of_tracing = signal == SIGTRAP || signal == SIGSTOP || event != 0;
    ptrace(left ? PTRACE_DETACH : PTRACE_SINGLESTEP, tid, 0, of_tracing ? 0 : signal);
    if (left) followed--;
  }
  for (unsigned long i = 0; i < end - first; i++)
    if (executed[i] != 0) printf("%lx\n", first + i);
  return 0;
}
