// Filters and messages for apps that hold sockets.
#pragma once

#include <arpa/inet.h>
#include <linux/filter.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fds.h"

/// What passes a filter begins with these four bytes: drawn, since packet sockets see the packets
/// of other tests as well.
static char packets_passed[5];

/// Only what has packets_passed at its byte `at` reaches the socket, from now on for good.
static inline void packets_filter(int fd, unsigned at) {
  uint32_t drawn;
  CHECK_EQ("random bytes", sizeof drawn, getrandom(&drawn, sizeof drawn, 0));
  for (int i = 0; i < 4; i++) packets_passed[i] = (char)('a' + (drawn >> 8 * i) % 26);
  uint32_t word;
  memcpy(&word, packets_passed, sizeof word);
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  NEED(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  NEED(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, sizeof(int)));
}

static inline void packets_check_filter(const char* what, int fd) {
  struct sock_filter filter[16];
  socklen_t count = 16;
  NEED(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, filter, &count));
  CHECK_EQ(what, 4, count);
  CHECK_EQ(what, -1, setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)));
  CHECK_EQ("error of a locked filter", EPERM, errno);
}
