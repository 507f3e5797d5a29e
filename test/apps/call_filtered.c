// Starts a program under a filter of system calls that allows all of them, or under as many as find
// room, beside which there is none for another; or as under a kernel that does not have one of them.
//
//   call_filtered [--full | --without CALL] PROGRAM [ARGS...]
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_filter.h"

static int set(struct sock_filter* rules, unsigned short size) {
  const struct sock_fprog program = {size, rules};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/// Of ever smaller filters, until one of a single instruction is too long.
static int fill(void) {
  static struct sock_filter rules[BPF_MAXINSNS];
  for (int i = 0; i < BPF_MAXINSNS; i++)
    rules[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  for (unsigned short size = BPF_MAXINSNS; size > 0;)
    if (set(rules, size) != 0) {
      if (errno != ENOMEM) return -1;
      size /= 2;
    }
  return 0;
}

static const struct {
  const char* name;
  long number;
} kCalls[] = {
    {"kcmp", SYS_kcmp},
    {"memfd_create", SYS_memfd_create},
    {"pidfd_open", SYS_pidfd_open},
};

static struct CallFilter without(const char* name) {
  for (size_t i = 0; i < sizeof(kCalls) / sizeof(kCalls[0]); i++)
    if (strcmp(kCalls[i].name, name) == 0)
      return call_filter(kCalls[i].number, SECCOMP_RET_ERRNO | ENOSYS);
  fprintf(stderr, "unknown call: %s\n", name);
  _exit(1);
}

int main(int argc, char** argv) {
  struct CallFilter filter = call_filter(SYS_getpid, SECCOMP_RET_ALLOW);
  const int full = argc > 1 && strcmp(argv[1], "--full") == 0;
  const int less = argc > 2 && strcmp(argv[1], "--without") == 0;
  if (less) filter = without(argv[2]);
  argv += full + 2 * less;
  argc -= full + 2 * less;
  if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      (full ? fill() : set(filter.rules, kCallFilterSize)) != 0) {
    perror("filter");
    return 1;
  }
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
