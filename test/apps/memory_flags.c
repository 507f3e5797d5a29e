// What madvise has set on areas, as VmFlags show it.
#include <sys/wait.h>

#include "area.h"
#include "faults.h"

struct advice {
  const char* name;
  int advice;
  const char* flag;
  char* area;
};

static struct advice advices[] = {
    {"MADV_DONTFORK", MADV_DONTFORK, "dc", NULL},
    {"MADV_WIPEONFORK", MADV_WIPEONFORK, "wf", NULL},
    {"MADV_DONTDUMP", MADV_DONTDUMP, "dd", NULL},
    {"MADV_HUGEPAGE", MADV_HUGEPAGE, "hg", NULL},
    {"MADV_NOHUGEPAGE", MADV_NOHUGEPAGE, "nh", NULL},
    {"MADV_MERGEABLE", MADV_MERGEABLE, "mg", NULL},
    {"MADV_RANDOM", MADV_RANDOM, "rr", NULL},
    {"MADV_SEQUENTIAL", MADV_SEQUENTIAL, "sr", NULL},
    {"none", MADV_NORMAL, "", NULL},
};
enum { kAdvices = sizeof advices / sizeof *advices };

static const size_t kSize = 4u << 20;

static bool has(const struct advice* advice) {
  struct area area = area_of(advice->area);
  return area_has(&area, advice->flag);
}

static void check_fork(const struct advice* dont_fork, const struct advice* wipe) {
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    if (faults_touch(dont_fork->area, false) != SIGSEGV) _exit(2);
    app_check_zero("wipe-on-fork memory in a child", wipe->area, 8192);
    _exit(0);
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("status of the child", 0, status);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  bool set[kAdvices];
  for (int i = 0; i < kAdvices; i++) {
    advices[i].area = app_map(kSize);
    app_fill(advices[i].area, 8192, 50u + (unsigned)i);
    // A kernel may lack huge pages or same-page merging.
    bool done = madvise(advices[i].area, kSize, advices[i].advice) == 0;
    set[i] = done && advices[i].flag[0] != '\0' && has(&advices[i]);
  }
  app_wait();

  static const char* all[] = {"dc", "wf", "dd", "hg", "nh", "mg", "rr", "sr"};
  for (int i = 0; i < kAdvices; i++)
    for (size_t j = 0; j < sizeof all / sizeof *all; j++) {
      // Whether plain memory counts as "never huge" or "sequential" is not the app's state.
      bool expected = set[i] && strcmp(all[j], advices[i].flag) == 0;
      area_check(advices[i].name, advices[i].area, all[j], expected);
    }
  for (int i = 0; i < kAdvices; i++) {
    // A restore is treated as a fork: a cold run finds the bytes, a restored one finds zeros.
    bool wiped = advices[i].advice == MADV_WIPEONFORK && *(uint64_t*)advices[i].area == 0;
    if (wiped)
      app_check_zero("wipe-on-fork memory", advices[i].area, 8192);
    else
      app_check_fill(advices[i].name, advices[i].area, 8192, 50u + (unsigned)i);
    app_check_zero("untouched memory", advices[i].area + 8192, kSize - 8192);
  }
  app_fill(advices[1].area, 8192, 99);
  check_fork(&advices[0], &advices[1]);
  return 0;
}
