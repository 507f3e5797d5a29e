// A working directory that the app itself moved to is the image's, not the caller's.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  char before[4096], after[4096];
  NEED(chdir(app_scratch));
  CHECK(getcwd(before, sizeof before) != NULL);
  app_wait();
  CHECK(getcwd(after, sizeof after) != NULL);
  CHECK_STR("working directory", before, after);
  NEED(close((int)NEED(open("made-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0644))));
  NEED(access(app_path("made-here"), F_OK));
  return 0;
}
