// An app with a heap of a given size, which every launch must carry and no launch touches.
//
//   heap PORT MEGABYTES
//
// Fills the heap with bytes that are all different from page to page, then answers each connection
// to 127.0.0.1:PORT with "heap N\n", N being MEGABYTES, computed from a page of the heap.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

/// Every word differs, so that no page is zero or like another.
static void fill(uint64_t* words, size_t count) {
  uint64_t value = 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < count; i++) {
    value = value * 6364136223846793005 + 1442695040888963407;
    words[i] = value;
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: heap PORT MEGABYTES\n", stderr);
    return 1;
  }
  const size_t size = (size_t)atoll(argv[2]) << 20;
  uint64_t* heap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (heap == MAP_FAILED) {
    perror("heap: mmap");
    return 1;
  }
  fill(heap, size / sizeof *heap);
  heap[0] = size >> 20;
  int listener = listen_on("heap", (uint16_t)atoi(argv[1]));
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    char request[512];
    if (connection >= 0 && recv(connection, request, sizeof request, 0) >= 0) {
      dprintf(connection, "heap %llu\n", (unsigned long long)heap[0]);
      shutdown(connection, SHUT_WR);
    }
    close(connection);
  }
}
