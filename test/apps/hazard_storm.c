// All hazards at once: threads that drop, free, grow, move, cover and protect restored memory at random,
// while a signal's handler does the same with its own. Each page must hold what its owner knows of it.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "harness.h"

enum { kThreads = 4, kPages = 48, kMostPages = 96, kSteps = 1500, kStormUs = 300 };

/// A seed of app_fill(), 0: zeros.
typedef uint32_t content;

struct owner {
  char* area;
  size_t pages;
  content holds[kMostPages];
  uint64_t random;
  bool resizes;  // mremap(2) wants one mapping: who uses it covers and protects nothing.
};

static struct owner owners[kThreads];
static char* of_handler;
static volatile size_t handled;
static volatile bool may_start;

static size_t draw(struct owner* owner, size_t below) {
  owner->random = app_mix(owner->random);
  return owner->random % below;
}

static void check_page(const struct owner* owner, size_t i) {
  size_t page = app_page();
  if (owner->holds[i] == 0)
    app_check_zero("page without content", owner->area + i * page, page);
  else
    app_check_fill("page with content", owner->area + i * page, page, owner->holds[i]);
}

static void set(struct owner* owner, size_t first, size_t end, content seed) {
  size_t page = app_page();
  for (size_t i = first; i < end; i++) {
    if (seed != 0) app_fill(owner->area + i * page, page, seed);
    owner->holds[i] = seed;
  }
}

/// Grows and shrinks it; it may move.
static void resize(struct owner* owner) {
  size_t page = app_page(), pages = 1 + draw(owner, kMostPages);
  int flags = MREMAP_MAYMOVE;
  owner->area = NEED_MAP(mremap(owner->area, owner->pages * page, pages * page, flags));
  for (size_t i = owner->pages; i < pages; i++) owner->holds[i] = 0;
  owner->pages = pages;
}

static void step(struct owner* owner) {
  size_t page = app_page(), first = draw(owner, owner->pages);
  size_t end = first + 1 + draw(owner, owner->pages - first);
  char* start = owner->area + first * page;
  size_t size = (end - first) * page;
  int prot = PROT_READ | PROT_WRITE;
  content seed = (content)(1000 + draw(owner, 100000));
  switch (draw(owner, 7)) {
    case 0:
    case 1:
      NEED(madvise(start, size, MADV_DONTNEED));
      set(owner, first, end, 0);
      break;
    case 2:
      NEED(madvise(start, size, MADV_FREE));
      set(owner, first, end, seed);
      break;
    case 3:
      if (owner->resizes) {
        resize(owner);
        break;
      }
      CHECK(mmap(start, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
      set(owner, first, end, 0);
      break;
    case 4:
      if (owner->resizes) break;
      NEED(mprotect(start, size, PROT_NONE));
      NEED(mprotect(start, size, prot));
      break;
    case 5:
      NEED(syscall(SYS_madvise, start, size, MADV_DONTNEED));
      set(owner, first, end, 0);
      break;
    default:
      set(owner, first, end, seed);
  }
  check_page(owner, draw(owner, owner->pages));
}

static void* work(void* argument) {
  struct owner* owner = argument;
  while (!may_start) app_sleep_ms(1);
  for (int i = 0; i < kSteps; i++) step(owner);
  for (size_t i = 0; i < owner->pages; i++) check_page(owner, i);
  return NULL;
}

/// Once, and anew at the end of each: one that comes on its own leaves a machine on which the handler takes longer than the
/// interval no time for anything else.
static void arm(void) {
  NEED(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, kStormUs}}, NULL));
}

/// Nothing here but system calls: it may come anywhere.
static void on_alarm(int signal) {
  (void)signal;
  size_t page = app_page(), i = handled % kPages;
  char* own =
      NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  *own = 1;
  NEED(madvise(own, page, MADV_DONTNEED));
  CHECK(*own == 0);
  NEED(munmap(own, page));
  NEED(madvise(of_handler + i * page, page, MADV_DONTNEED));
  app_check_zero("page that the handler has dropped", of_handler + i * page, page);
  handled++;
  if (may_start) arm();
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  of_handler = app_map(kPages * page);
  app_fill(of_handler, kPages * page, 7);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++) {
    struct owner* owner = &owners[i];
    owner->pages = kPages;
    owner->resizes = i % 2 == 0;
    owner->random = (uint64_t)i + 1;
    owner->area = app_map(kPages * page);
    for (size_t n = 0; n < kPages; n++) set(owner, n, n + 1, (content)(i * kPages + n + 1));
    NEED0(pthread_create(&threads[i], NULL, work, owner));
  }
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGALRM, &action, NULL));
  app_wait();

  may_start = true;
  arm();
  for (int i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
  may_start = false;
  CHECK(handled > 0);
  return 0;
}
