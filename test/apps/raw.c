// A static program without libc that makes its system calls itself, as Go programs do: memory, a
// thread and a signal handler of its own. Nothing in it can be redirected, so its memory must be
// truly anonymous.
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stddef.h>

enum {
  kProtRead = 1,
  kProtWrite = 2,
  kMapPrivate = 2,
  kMapAnonymous = 0x20,
  kMayMove = 1,
  kDontNeed = 4,
  kAtCwd = -100,
  kWriteOnly = 1,
  kCreate = 0100,
  kSigUsr1 = 10,
  kRestorer = 0x04000000,
};

#if defined(__x86_64__)
#define MMAP __NR_mmap
static long call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
// The child finds its argument and function on its stack.
static long clone_thread(unsigned long flags, void* stack, int* id, int* cleared) {
  long result;
  register int* r10 asm("r10") = cleared;
  register long r8 asm("r8") = 0;
  asm volatile(
      "syscall\n test %%eax, %%eax\n jnz 1f\n xor %%ebp, %%ebp\n pop %%rdi\n pop %%rax\n call "
      "*%%rax\n"
      "xor %%edi, %%edi\n mov $60, %%eax\n syscall\n 1:"
      : "=a"(result)
      : "a"(__NR_clone), "D"(flags), "S"(stack), "d"(id), "r"(r10), "r"(r8)
      : "rcx", "r11", "memory");
  return result;
}
asm(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call raw_main\n"
    "return_from_signal:\n mov $15, %eax\n syscall\n");
#elif defined(__aarch64__)
#define MMAP __NR_mmap
static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
static long clone_thread(unsigned long flags, void* stack, int* id, int* cleared) {
  register long x8 asm("x8") = __NR_clone;
  register long x0 asm("x0") = (long)flags;
  register void* x1 asm("x1") = stack;
  register int* x2 asm("x2") = id;
  register long x3 asm("x3") = 0;
  register int* x4 asm("x4") = cleared;
  asm volatile(
      "svc 0\n cbnz x0, 1f\n ldp x0, x1, [sp], #16\n blr x1\n mov x0, #0\n mov x8, #93\n svc 0\n 1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
      : "memory", "x30");
  return x0;
}
asm(".globl _start\n_start:\n mov x29, #0\n mov x0, sp\n bl raw_main\n"
    "return_from_signal:\n mov x8, #139\n svc 0\n");
#elif defined(__arm__)
#define MMAP __NR_mmap2
static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r7 asm("r7") = number;
  register long r0 asm("r0") = a;
  register long r1 asm("r1") = b;
  register long r2 asm("r2") = c;
  register long r3 asm("r3") = d;
  register long r4 asm("r4") = e;
  register long r5 asm("r5") = f;
  asm volatile("svc 0"
               : "+r"(r0)
               : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
               : "memory");
  return r0;
}
static long clone_thread(unsigned long flags, void* stack, int* id, int* cleared) {
  register long r7 asm("r7") = __NR_clone;
  register long r0 asm("r0") = (long)flags;
  register void* r1 asm("r1") = stack;
  register int* r2 asm("r2") = id;
  register long r3 asm("r3") = 0;
  register int* r4 asm("r4") = cleared;
  asm volatile(
      "svc 0\n cmp r0, #0\n bne 1f\n pop {r0, r1}\n blx r1\n mov r0, #0\n mov r7, #1\n svc 0\n 1:"
      : "+r"(r0)
      : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
      : "memory", "cc", "lr");
  return r0;
}
asm(".globl _start\n.type _start, %function\n_start:\n mov r0, sp\n bl raw_main\n"
    ".type return_from_signal, %function\nreturn_from_signal:\n mov r7, #119\n svc 0\n");
#endif

extern void return_from_signal(void);

static size_t length_of(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

__attribute__((noreturn)) static void leave(int status) {
  for (;;) call(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

static void fail(const char* what) {
  call(__NR_write, 2, (long)"FAIL: raw.c: ", 13, 0, 0, 0);
  call(__NR_write, 2, (long)what, (long)length_of(what), 0, 0, 0);
  call(__NR_write, 2, (long)"\n", 1, 0, 0, 0);
  leave(1);
}

static void check(int condition, const char* what) {
  if (!condition) fail(what);
}

static int exists(const char* path) {
  return call(__NR_faccessat, kAtCwd, (long)path, 0, 0, 0, 0) == 0;
}

static void ready(const char* status) {
  long fd = call(__NR_openat, kAtCwd, (long)status, kWriteOnly | kCreate, 0644, 0, 0);
  check(fd >= 0, "status file, expected to open");
  call(__NR_write, fd, (long)"ready\n", 6, 0, 0, 0);
  call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static void sleep_briefly(void) {
  long two_ms[2] = {0, 2000000};
  call(__NR_nanosleep, (long)two_ms, 0, 0, 0, 0, 0);
}

static unsigned char* map(size_t size) {
  long result =
      call(MMAP, 0, (long)size, kProtRead | kProtWrite, kMapPrivate | kMapAnonymous, -1, 0);
  check(result > 0 || result < -4095, "mmap, expected memory");
  return (unsigned char*)result;
}

static void fill(unsigned char* area, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++) area[i] = (unsigned char)(i * 31 + i / 4096 + seed);
}

static int filled(const unsigned char* area, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++)
    if (area[i] != (unsigned char)(i * 31 + i / 4096 + seed)) return 0;
  return 1;
}

static int all_zero(const unsigned char* area, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (area[i] != 0) return 0;
  return 1;
}

enum { kSize = 64 * 4096, kStackSize = 64 * 1024 };

static volatile int go, handled, thread_id, thread_cleared, thread_right;

static void on_signal(int signal) {
  handled = signal;
}

static void set_handler(void) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask[8 / sizeof(long)];
  } action = {on_signal, kRestorer, return_from_signal, {0}};
#if defined(__aarch64__)  // no restorer word there
  struct {
    void (*handler)(int);
    unsigned long flags;
    unsigned long mask[8 / sizeof(long)];
  } short_action = {on_signal, 0, {0}};
  check(call(__NR_rt_sigaction, kSigUsr1, (long)&short_action, 0, 8, 0, 0) == 0,
        "rt_sigaction, expected success");
  (void)action;
#else
  check(call(__NR_rt_sigaction, kSigUsr1, (long)&action, 0, 8, 0, 0) == 0,
        "rt_sigaction, expected success");
#endif
}

__attribute__((used)) static void thread_main(void* area) {
  while (!go) call(__NR_futex, (long)&go, FUTEX_WAIT, 0, 0, 0, 0);
  thread_right = filled(area, kSize, 3) && call(__NR_gettid, 0, 0, 0, 0, 0, 0) == thread_cleared;
}

static void start_thread(unsigned char* area) {
  void** stack = (void**)(map(kStackSize) + kStackSize - 64);
  stack[0] = area;
  stack[1] = (void*)thread_main;
  unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                        CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                        CLONE_CHILD_CLEARTID;
  check(clone_thread(flags, stack, (int*)&thread_id, (int*)&thread_cleared) > 0,
        "clone, expected a thread");
}

static void join_thread(void) {
  go = 1;
  call(__NR_futex, (long)&go, FUTEX_WAKE, 1, 0, 0, 0);
  for (int id; (id = thread_cleared) != 0;)
    call(__NR_futex, (long)&thread_cleared, FUTEX_WAIT, id, 0, 0, 0);
  check(thread_right, "thread, expected its memory and its id");
}

__attribute__((used, noreturn)) void raw_main(long* stack) {
  char** argv = (char**)(stack + 1);
  if (stack[0] < 3) fail("usage: raw STATUS GO");
  unsigned char *dropped = map(kSize), *grown = map(kSize), *threads = map(kSize);
  fill(dropped, kSize, 1);
  fill(grown, kSize, 2);
  fill(threads, kSize, 3);
  set_handler();
  start_thread(threads);
  ready(argv[1]);
  while (!exists(argv[2])) {
    if (!exists(argv[1])) ready(argv[1]);
    sleep_briefly();
  }

  check(filled(dropped, kSize, 1), "memory, expected as written");
  check(call(__NR_madvise, (long)dropped, kSize, kDontNeed, 0, 0, 0) == 0,
        "madvise, expected success");
  check(all_zero(dropped, kSize), "dropped memory, expected zeros");
  long moved = call(__NR_mremap, (long)grown, kSize, 4 * kSize, kMayMove, 0, 0);
  check(moved > 0 || moved < -4095, "mremap, expected success");
  check(filled((unsigned char*)moved, kSize, 2), "moved memory, expected as written");
  check(all_zero((unsigned char*)moved + kSize, 3 * kSize),
        "memory added by mremap, expected zeros");
  call(__NR_tgkill, call(__NR_getpid, 0, 0, 0, 0, 0, 0), call(__NR_gettid, 0, 0, 0, 0, 0, 0),
       kSigUsr1, 0, 0, 0);
  check(handled == kSigUsr1, "handler, expected to run");
  join_thread();
  leave(0);
}
