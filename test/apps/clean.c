// clean PROGRAM [ARGS...]: exec with no descriptor but 0, 1 and 2. What a terminal or a CI system
// has left open in the tests must not become part of an app's state.
#include <stdio.h>
#include <unistd.h>

enum { kHighest = 4096 };

int main(int argc, char** argv) {
  for (int fd = 3; fd < kHighest; fd++) close(fd);
  if (argc < 2) return 2;
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
