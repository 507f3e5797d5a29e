// A program with nothing to do; with HOLD in its environment it stays, so that an image can be made
// of it.
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  while (getenv("HOLD") != NULL) pause();
  return 0;
}
