// Handlers of pthread_atfork(3) that the app has registered are not called by a launch: they would
// begin anew what is in order (libuv gives up its threads).
#include <pthread.h>

#include "harness.h"

static int prepared, begun = 1, noted;

static void begin_anew(void) {
  begun = 0;
}

static void note(void) {
  noted++;
}

static void prepare(void) {
  prepared++;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED0(pthread_atfork(NULL, NULL, begin_anew));
  NEED0(pthread_atfork(NULL, NULL, note));
  NEED0(pthread_atfork(prepare, note, note));
  app_wait();
  CHECK_EQ("what a child would begin anew", 1, begun);
  CHECK_EQ("calls of a child's handlers", 0, noted);
  CHECK_EQ("calls of one for before a fork", 0, prepared);
  return 0;
}
