// A filter of system calls (seccomp(2)) that gives one call a result, and allows all others.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

enum { kCallFilterSize = 4 };

struct CallFilter {
  struct sock_filter rules[kCallFilterSize];
};

/// `result`: SECCOMP_RET_*.
static inline struct CallFilter call_filter(long number, unsigned result) {
  return (struct CallFilter){{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, result),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
}
