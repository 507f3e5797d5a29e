// A process or thread in a state of its own that a launch would not give back: argv[4] says which.
#if defined(__x86_64__)
#include <asm/prctl.h>
#endif
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mempolicy.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>

#include "holders.h"

enum { kNobody = 65534 };

static void need_root(void) {
  if (geteuid() != 0) SKIP("only root can do that");
}

/// Where the kernel or the CPU lacks it.
#define HOLD(call) \
  if ((call) < 0) SKIP("%s: %s", #call, strerror(errno))

static void hold_capabilities(unsigned drop_effective, unsigned drop_permitted) {
  need_root();
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  NEED(syscall(SYS_capget, &header, data));
  data[0].effective &= ~drop_effective;
  data[0].permitted &= ~drop_permitted;
  NEED(syscall(SYS_capset, &header, data));
}

static void hold_permitted(void) {
  hold_capabilities(1u << CAP_NET_RAW, 1u << CAP_NET_RAW);
}

static void hold_effective(void) {
  hold_capabilities(1u << CAP_NET_RAW, 0);
}

/// From its sets as well, as the caller of an exec would have it.
static void hold_bounding(void) {
  need_root();
  NEED(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0));
  hold_permitted();
}

static void hold_groups(void) {
  need_root();
  const gid_t groups[] = {1, 2, 3};
  NEED(setgroups(3, groups));
}

static void hold_namespace(void) {
  need_root();
  HOLD(unshare(CLONE_NEWUTS));
}

static void hold_securebits(void) {
  need_root();
  HOLD(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
}

/// Of the calling thread.
static void confine_by_landlock(void) {
  struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK};
  int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (rules < 0) SKIP("this kernel has no Landlock");
  NEED(syscall(SYS_landlock_restrict_self, rules, 0));
  close(rules);
}

static void hold_landlock(void) {
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  confine_by_landlock();
}

/// Not through libc, which would do the same in all threads.
static void become(uid_t real, uid_t effective) {
#ifdef SYS_setresuid32
  NEED(syscall(SYS_setresuid32, real, effective, effective));
#else
  NEED(syscall(SYS_setresuid, real, effective, effective));
#endif
}

static void hold_mixed(void) {
  need_root();
  become(kNobody, 0);
}

static void hold_dispatch(void) {
#ifdef PR_SET_SYSCALL_USER_DISPATCH
  static char selector;  // SYSCALL_DISPATCH_FILTER_ALLOW
  HOLD(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector));
#endif
}

/// struct sched_attr of <linux/sched/types.h>, which newer versions of glibc have as well.
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t least, most;
};

static void hold_deadline(void) {
  enum { kDeadline = 6, kMillisecond = 1000000 };
  struct attributes attributes = {.size = sizeof attributes,
                                  .policy = kDeadline,
                                  .runtime = 10 * kMillisecond,
                                  .deadline = 30 * kMillisecond,
                                  .period = 30 * kMillisecond};
  HOLD(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

static void hold_clamp(void) {
  enum { kKeepAll = 0x18, kClampMost = 0x40 };
  struct attributes attributes = {
      .size = sizeof attributes, .flags = kKeepAll | kClampMost, .most = 512};
  HOLD(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

static void hold_policy(void) {
  unsigned long nodes = 1;
  HOLD(syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof nodes));
}

static void hold_bound_memory(void) {
  char possible[16] = "";
  int nodes_file = open("/sys/devices/system/node/possible", O_RDONLY | O_CLOEXEC);
  if (nodes_file >= 0) (void)NEED(read(nodes_file, possible, sizeof possible - 1));
  if (strcmp(possible, "0\n") == 0) SKIP("on one NUMA node, a policy of memory means nothing");
  close(nodes_file);
  unsigned long nodes = 1;
  HOLD(syscall(SYS_mbind, app_map(app_page()), app_page(), MPOL_BIND, &nodes, 8 * sizeof nodes, 0));
}

static void hold_keyring(int which) {
  HOLD(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, which, 1));
}

static void hold_thread_keyring(void) {
  hold_keyring(KEY_SPEC_THREAD_KEYRING);
}

static void hold_process_keyring(void) {
  hold_keyring(KEY_SPEC_PROCESS_KEYRING);
}

static void hold_speculation(void) {
  HOLD(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE, 0, 0));
}

/// Only kernels started with l1d_flush=on take it.
static void hold_l1d_flush(void) {
  HOLD(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0));
}

static void hold_io_flusher(void) {
  HOLD(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
}

static void hold_tsc(void) {
  HOLD(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
}

static void hold_cpuid(void) {
#ifdef ARCH_SET_CPUID
  HOLD(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0));
#else
  SKIP("not on this CPU");
#endif
}

static void hold_ldt(void) {
#ifdef SYS_modify_ldt
  // struct user_desc: entry, base, limit, and flags of a readable data segment.
  unsigned entry[4] = {0, 0, 1, 1 << 0 | 1 << 6};
  HOLD(syscall(SYS_modify_ldt, 1, entry, sizeof entry));
#else
  SKIP("not on this CPU");
#endif
}

static void hold_undo(void) {
  int id = (int)NEED(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
  NEED(semop(id, &(struct sembuf){0, 1, SEM_UNDO}, 1));
  // The undo outlives the set only until its end, so it is removed when the driver lets us go.
  app_wait();
  NEED(semctl(id, 0, IPC_RMID));
  _exit(0);
}

static void hold_semaphores(void) {
  int id = (int)NEED(semget(IPC_PRIVATE, 2, IPC_CREAT | 0600));
  NEED(semop(id, &(struct sembuf){1, 1, 0}, 1));
  app_wait();
  NEED(semctl(id, 0, IPC_RMID));
  _exit(0);
}

static void hold_sysv_queue(void) {
  const struct {
    long type;
    char text[4];
  } message = {1, "abc"};
  int id = (int)NEED(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  NEED(msgsnd(id, &message, sizeof message.text, 0));
  app_wait();
  NEED(msgctl(id, IPC_RMID, NULL));
  _exit(0);
}

static pthread_barrier_t held_by_thread;

static void* run_holding(void* hold) {
  (*(void (**)(void))hold)();
  pthread_barrier_wait(&held_by_thread);
  app_sleep_ms(1000000);
  return NULL;
}

/// The state of one thread, which is not the main one.
static void hold_in_thread(void (*hold)(void)) {
  pthread_t thread;
  NEED0(pthread_barrier_init(&held_by_thread, NULL, 2));
  NEED0(pthread_create(&thread, NULL, run_holding, &hold));
  pthread_barrier_wait(&held_by_thread);
}

static int unshared;

static void unshare_one(void) {
  HOLD(unshare(unshared));
}

static void hold_unshared(int what) {
  unshared = what;
  hold_in_thread(unshare_one);
}

static void become_nobody(void) {
  become(kNobody, kNobody);
}

static void hold_thread_user(void) {
  need_root();
  hold_in_thread(become_nobody);
}

static void hold_thread_capabilities(void) {
  need_root();
  hold_in_thread(hold_permitted);
}

static void hold_thread_landlock(void) {
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));  // Which each thread has then.
  hold_in_thread(confine_by_landlock);
}

static void hold_thread_fs(void) {
  hold_unshared(CLONE_FS);
}

static void hold_thread_files(void) {
  hold_unshared(CLONE_FILES);
}

static void hold_thread_namespace(void) {
  hold_unshared(CLONE_NEWUTS);
}

static const struct holder holders[] = {
    {"permitted", hold_permitted},
    {"effective", hold_effective},
    {"bounding", hold_bounding},
    {"groups", hold_groups},
    {"namespace", hold_namespace},
    {"securebits", hold_securebits},
    {"landlock", hold_landlock},
    {"dispatch", hold_dispatch},
    {"deadline", hold_deadline},
    {"clamp", hold_clamp},
    {"mempolicy", hold_policy},
    {"bound-memory", hold_bound_memory},
    {"thread-keyring", hold_thread_keyring},
    {"process-keyring", hold_process_keyring},
    {"speculation", hold_speculation},
    {"l1d-flush", hold_l1d_flush},
    {"io-flusher", hold_io_flusher},
    {"tsc", hold_tsc},
    {"cpuid", hold_cpuid},
    {"ldt", hold_ldt},
    {"undo", hold_undo},
    {"semaphores", hold_semaphores},
    {"sysv-queue", hold_sysv_queue},
    {"thread-fs", hold_thread_fs},
    {"thread-files", hold_thread_files},
    {"thread-namespace", hold_thread_namespace},
    {"thread-user", hold_thread_user},
    {"thread-capabilities", hold_thread_capabilities},
    {"thread-landlock", hold_thread_landlock},
    {"mixed", hold_mixed},
};

int main(int argc, char** argv) {
  hold_named(argc, argv, holders, sizeof holders / sizeof *holders);
  _exit(0);
}
