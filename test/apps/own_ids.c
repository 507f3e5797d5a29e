// Ids that an app keeps of itself: its pid as an integer and as other runtimes hold it, in read-only and in shared memory, and as clocks of CPU time.
#include <pthread.h>
#include <signal.h>

#include "harness.h"
#include "tree.h"

enum { kLeastId = 65536 };  ///< Smaller numbers stand everywhere: thaw leaves them alone.

/// Memory of its own, as a runtime's heap is: nothing else here looks like an id.
struct ids {
  pid_t pid;
  unsigned waited_for;  ///< an owner in the manner of futex(2), with waiters
  uintptr_t fixnum;     ///< Ruby, OCaml
  double real;
#if UINTPTR_MAX > UINT32_MAX
  uint64_t smi;  ///< V8 on 64-bit CPUs
#endif
  clockid_t clock;
  unsigned marks;  ///< bits that look like an owner for whom others wait
};

static struct ids *own, *shared;
static char* code;  ///< a constant in memory that is executable and not writable
static pthread_barrier_t known;
static pid_t other_tid;
static unsigned not_marks;  ///< ids::marks, inverted: this one is not taken for an id
static volatile int ended;

static void set_up(struct ids* ids, pthread_t other) {
  ids->pid = getpid();
  ids->waited_for = (unsigned)getpid() | 0x80000000u;
  ids->fixnum = 2 * (uintptr_t)getpid() + 1;
  ids->real = getpid();
#if UINTPTR_MAX > UINT32_MAX
  ids->smi = (uint64_t)getpid() << 32;
#endif
  NEED0(pthread_getcpuclockid(other, &ids->clock));
  ids->marks = ~not_marks;
}

static void check(const char* where, const struct ids* ids) {
  CHECK_EQ(where, getpid(), ids->pid);
  CHECK_EQ("owner with waiters", (unsigned)getpid() | 0x80000000u, ids->waited_for);
  CHECK_EQ("fixnum", 2 * getpid() + 1, ids->fixnum);
  CHECK_EQ("real", getpid(), ids->real);
#if UINTPTR_MAX > UINT32_MAX
  CHECK_EQ("small integer", getpid(), ids->smi >> 32);
#endif
  struct timespec used;
  if (other_tid >= kLeastId) NEED(clock_gettime(ids->clock, &used));
  CHECK_EQ("bits that nobody waits for", ~not_marks, ids->marks);
}

static void* work(void* argument) {
  other_tid = gettid();
  pthread_barrier_wait(&known);
  while (!ended) app_sleep_ms(1);
  return argument;
}

/// As dnsmasq does: a signal that a child inherited is none of the server's.
static void on_term(int signal) {
  (void)signal;
  if (own->pid == getpid()) ended = 1;
}

/// A thread whose id thaw tells from other numbers in a clock's id.
static pthread_t start_worker(void) {
  enum { kLeastBits = 4 };
  for (;;) {
    pthread_t worker;
    ended = 0;
    NEED0(pthread_create(&worker, NULL, work, NULL));
    pthread_barrier_wait(&known);
    if (__builtin_popcount((unsigned)other_tid) >= kLeastBits) return worker;
    ended = 1;
    NEED0(pthread_join(worker, NULL));
  }
}

static timer_t make_timer(clockid_t clock) {
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  timer_t timer;
  NEED(timer_create(clock, &event, &timer));
  NEED(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {1000, 0}}, NULL));
  return timer;
}

static long seconds_left(timer_t timer) {
  struct itimerspec left;
  NEED(timer_gettime(timer, &left));
  return left.it_value.tv_sec;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  enum { kRoom = 65536 };
  const int flags = MAP_ANONYMOUS | MAP_NORESERVE;
  own = NEED_MAP(mmap(NULL, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, -1, 0));
  shared = NEED_MAP(mmap(NULL, kRoom, PROT_READ | PROT_WRITE, MAP_SHARED | flags, -1, 0));
  code = NEED_MAP(mmap(NULL, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, -1, 0));
  NEED0(pthread_barrier_init(&known, NULL, 2));
  pthread_t other = start_worker();
  if (getpid() < kLeastId) SKIP("this pid cannot be told from other numbers");
  if (getpid() % 2 == 0 || __builtin_popcount((unsigned)getpid()) < 7) _exit(kUnluckyStatus);
  not_marks = ~((unsigned)other_tid | 0x80000000u);
  set_up(own, other);
  set_up(shared, other);
  memcpy(code + 4097, &own->pid, sizeof own->pid);
  NEED(mprotect(code, kRoom, PROT_READ | PROT_EXEC));
  signal(SIGTERM, on_term);
  timer_t of_thread = make_timer(own->clock), of_process = make_timer(CLOCK_PROCESS_CPUTIME_ID);
  app_wait();

  pid_t in_code;
  memcpy(&in_code, code + 4097, sizeof in_code);
  CHECK_EQ("in code", getpid(), in_code);
  check("own memory", own);
  check("shared memory", shared);
  CHECK(seconds_left(of_thread) > 900 && seconds_left(of_process) > 900);
  NEED(kill(own->pid, SIGTERM));
  for (int i = 0; i < 1000 && !ended; i++) app_sleep_ms(1);
  CHECK(ended);
  NEED0(pthread_join(other, NULL));
  // pthread_join() is woken before the kernel has let go of the thread.
  struct timespec used;
  for (int i = 0; i < 1000 && clock_gettime(own->clock, &used) == 0; i++) app_sleep_ms(1);
  CHECK_EQ("clock of an ended thread", -1, clock_gettime(own->clock, &used));
  return 0;
}
