// Its pid at many places of one kind, between other data: drawn by chance there, or kept by an app. The scratch folder's "data" is what
// it stands between, but for "structures"; for "clocks" and "futexes" it is what these hold for that pid. Each stands in a mapping of its
// own, whose addresses are in the file "mapping".
#include "harness.h"

enum { kSize = 1 << 20, kPlaces = 1000, kStep = kSize / kPlaces & ~7, kWithin = 512 };

/// What an app may keep beside its pid.
struct worker {
  const char* name;
  pid_t pid, parent;
  uint64_t started, bytes;
  int state, descriptor;
  struct worker* next;
};

/// As libuv keeps a child (uv_process_t): a callback, the pid, a link.
struct child {
  void (*exited)(void);
  pid_t pid;
  struct link {
    struct link *next, *previous;
  } link;
};

/// What equals the pid, in the form that was asked for.
static unsigned form_of_pid(const char* what) {
  const unsigned pid = (unsigned)getpid();
  if (strcmp(what, "clocks") == 0) return ~pid << 3 | 2;  // As clock_getcpuclockid(3) gives it.
  return strcmp(what, "futexes") == 0 ? pid | 0x80000000u : pid;
}

static void read_data(char* to, unsigned word) {
  char path[4096];
  snprintf(path, sizeof path, "%s/data", app_scratch);
  const int fd = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  CHECK_EQ("bytes", kSize, read(fd, to, kSize));
  close(fd);
  for (int i = 0; i < kPlaces; i++) *(unsigned*)(to + i * kStep + kWithin) = word;
}

static void make_structures(char* to) {
  uint64_t state = 1;
  for (int i = 0; i < kPlaces; i++) {
    struct worker* worker = (struct worker*)(to + i * kStep + kWithin);
    state = state * 6364136223846793005u + 1442695040888963407u;
    *worker = (struct worker){to,          getpid(), getpid(), 1700000000000u + i,
                              state >> 40, i % 4,    i,        worker + 1};
  }
}

static struct child* child_at(char* memory, int i) {
  return (struct child*)(memory + i * kStep + kWithin);
}

/// In rings of two and more, and each tenth alone in one.
static void link_children(char* memory) {
  for (int i = 0; i < kPlaces; i++) {
    struct child* child = child_at(memory, i);
    child->exited = app_wait;
    child->pid = getpid();
    child->link.next = &child_at(memory, i / 10 * 10 + (i % 10 < 8 ? i % 10 + 1 : 0))->link;
    if (i % 10 == 9) child->link.next = &child->link;
  }
  for (int i = 0; i < kPlaces; i++) {
    struct link* link = &child_at(memory, i)->link;
    link->next->previous = link;
  }
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  CHECK(argc > 4);
  if (getpid() < 65536 || getpid() % 2 == 0 || __builtin_popcount((unsigned)getpid()) < 7)
    SKIP("this pid cannot be told from other numbers");
  char* memory =
      NEED_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  strcmp(argv[4], "structures") == 0 ? make_structures(memory)
                                     : read_data(memory, form_of_pid(argv[4]));
  if (strcmp(argv[4], "links") == 0) link_children(memory);
  char text[64], path[4096];
  snprintf(path, sizeof path, "%s/mapping", app_scratch);
  const int fd = (int)NEED(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  snprintf(text, sizeof text, "%lx %lx", (unsigned long)memory, (unsigned long)memory + kSize);
  NEED(write(fd, text, strlen(text)));
  close(fd);
  app_wait();
  return 0;
}
