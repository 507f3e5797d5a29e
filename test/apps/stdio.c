// Standard output and error are one open file description at the checkpoint, as thaw build and
// shells ("2>&1") make them. Each launch's caller gives what it wants for each of them.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(dup2(1, 2));
  app_wait();

  if (app_expected("closed") != NULL) {
    CHECK_EQ("flags of descriptor 2", -1, fcntl(2, F_GETFD));
    NEED(write(1, "2 is closed\n", 12));
    return 0;
  }
  NEED(write(1, "to 1\n", 5));
  NEED(write(2, "to 2\n", 5));
  return 0;
}
