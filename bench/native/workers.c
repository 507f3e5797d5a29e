// A server of many small processes.
//
//   workers PORT PROCESSES
//
// Forks PROCESSES - 1 workers, then answers each connection to 127.0.0.1:PORT with "workers N\n", N being how many processes have
// had a part in the answer: each worker is asked, and says that it is there.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

enum { kMost = 64 };

static void work(int channel) {
  char question;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (read(channel, &question, 1) == 1)
    if (write(channel, "1", 1) != 1) break;
  _exit(0);
}

/// @returns the end of the channel to a new worker
static int start_worker(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    perror("workers: socketpair");
    exit(1);
  }
  pid_t child = fork();
  if (child < 0) {
    perror("workers: fork");
    exit(1);
  }
  if (child == 0) {
    close(ends[0]);
    work(ends[1]);
  }
  close(ends[1]);
  return ends[0];
}

/// All are asked before the first answer is waited for, so that they work side by side.
static int count_answers(const int* channels, int workers) {
  int answers = 0;
  for (int i = 0; i < workers; i++)
    if (write(channels[i], "?", 1) != 1) return -1;
  for (int i = 0; i < workers; i++) {
    char answer;
    if (read(channels[i], &answer, 1) == 1) answers++;
  }
  return answers;
}

int main(int argc, char** argv) {
  const int processes = argc == 3 ? atoi(argv[2]) : 0;
  if (processes < 1 || processes > kMost) {
    fprintf(stderr, "usage: workers PORT PROCESSES (1 to %d)\n", kMost);
    return 1;
  }
  int channels[kMost];
  for (int i = 0; i < processes - 1; i++) channels[i] = start_worker();
  int listener = listen_on("workers", (uint16_t)atoi(argv[1]));
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    char request[512];
    if (connection >= 0 && recv(connection, request, sizeof request, 0) >= 0) {
      dprintf(connection, "workers %d\n", 1 + count_answers(channels, processes - 1));
      shutdown(connection, SHUT_WR);
    }
    close(connection);
  }
}
