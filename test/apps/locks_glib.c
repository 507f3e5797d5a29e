// A lock of GLib that may be taken again by its owner (GRecMutex), held across the restore by the main thread, with a thread that
// waits for it.
#include <dlfcn.h>
#include <pthread.h>

#include "harness.h"

/// As <glib.h> has it.
typedef struct {
  void* mutex;
  unsigned reserved[2];
} lock_t;

static lock_t lock;
static void (*take)(lock_t*);
static void (*give)(lock_t*);
static volatile int entered;

static void* wait_for(void* argument) {
  take(&lock);
  take(&lock);
  entered = 1;
  give(&lock);
  give(&lock);
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  void* glib = dlopen("libglib-2.0.so.0", RTLD_NOW);
  if (glib == NULL) SKIP("no GLib");
  *(void**)&take = dlsym(glib, "g_rec_mutex_lock");
  *(void**)&give = dlsym(glib, "g_rec_mutex_unlock");
  CHECK(take != NULL && give != NULL);
  take(&lock);
  take(&lock);
  pthread_t waiter;
  NEED0(pthread_create(&waiter, NULL, wait_for, NULL));
  app_sleep_ms(50);  // It waits in the kernel.
  app_wait();

  take(&lock);  // Its owner does not wait for itself.
  give(&lock);
  give(&lock);
  CHECK_EQ("entered too early", 0, entered);
  give(&lock);
  NEED0(pthread_join(waiter, NULL));
  CHECK_EQ("entered", 1, entered);
  return 0;
}
