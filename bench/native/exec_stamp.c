// Executes a program, and tells when.
//
//   exec_stamp FILE PROGRAM ARGS...
//
// FILE gets the time in nanoseconds of CLOCK_MONOTONIC. PROGRAM is a path.
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("usage: exec_stamp FILE PROGRAM ARGS...\n", stderr);
    return 1;
  }
  FILE* file = fopen(argv[1], "we");
  if (file == NULL) {
    perror(argv[1]);
    return 1;
  }
  fprintf(file, "%lld\n", (long long)now_ns());
  fclose(file);
  execv(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
