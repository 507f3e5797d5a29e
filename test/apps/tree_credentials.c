// Processes of one app that have given up rights of the first: each in its own way, with a second thread, checks that it
// has just what it had. Only root has anything to give up.
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tree.h"

enum { kUser = 4321, kGroup = 4322, kMostGroups = 8 };
/// Of <linux/capability.h>.
enum { kChown = 0, kSetPcap = 8, kBind = 10, kModule = 16, kTime = 25, kCapabilities = 64 };
#define BIT(capability) (UINT64_C(1) << (capability))

/// All that tells what the calling thread may do.
struct Rights {
  uid_t users[4];
  gid_t groups[4], supplementary[kMostGroups];
  int supplementary_count;
  uint64_t effective, permitted, inheritable, bounding, ambient;
  int securebits, dumpable, death_signal, no_new_privileges;
  struct stat root;
};

static struct Rights read_rights(void) {
  struct Rights r;
  memset(&r, 0, sizeof r);
  NEED(getresuid(&r.users[0], &r.users[1], &r.users[2]));
  NEED(getresgid(&r.groups[0], &r.groups[1], &r.groups[2]));
  r.users[3] = (uid_t)setfsuid((uid_t)-1);
  r.groups[3] = (gid_t)setfsgid((gid_t)-1);
  r.supplementary_count = (int)NEED(getgroups(kMostGroups, r.supplementary));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  NEED(syscall(SYS_capget, &header, sets));
  r.effective = sets[0].effective | (uint64_t)sets[1].effective << 32;
  r.permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
  r.inheritable = sets[0].inheritable | (uint64_t)sets[1].inheritable << 32;
  for (int i = 0; i < kCapabilities; i++) {
    if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) r.bounding |= BIT(i);
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) r.ambient |= BIT(i);
  }
  r.securebits = prctl(PR_GET_SECUREBITS);
  r.dumpable = prctl(PR_GET_DUMPABLE);
  r.no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  NEED(prctl(PR_GET_PDEATHSIG, &r.death_signal));
  NEED(stat("/", &r.root));
  return r;
}

static void check_rights(const char* who, const struct Rights* had) {
  const struct Rights now = read_rights();
#define SAME(field)            \
  if (now.field != had->field) \
  FAIL("%s: " #field ", expected %llx, got %llx", who, (long long)had->field, (long long)now.field)
  for (int i = 0; i < 4; i++) {
    SAME(users[i]);
    SAME(groups[i]);
  }
  SAME(supplementary_count);
  for (int i = 0; i < kMostGroups; i++) SAME(supplementary[i]);
  SAME(effective);
  SAME(permitted);
  SAME(inheritable);
  SAME(bounding);
  SAME(ambient);
  SAME(securebits);
  SAME(dumpable);
  SAME(death_signal);
  SAME(no_new_privileges);
  SAME(root.st_dev);
  SAME(root.st_ino);
}

static void set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  for (int i = 0; i < 2; i++)
    sets[i] = (struct __user_cap_data_struct){(uint32_t)(effective >> 32 * i),
                                              (uint32_t)(permitted >> 32 * i),
                                              (uint32_t)(inheritable >> 32 * i)};
  NEED(syscall(SYS_capset, &header, sets));
}

static void become_user(void) {
  const gid_t groups[] = {7, 9, 100000};
  NEED(setgroups(3, groups));
  NEED(setresgid(kGroup, kGroup, kGroup));
  NEED(setresuid(kUser, kUser, kUser));
}

static void be_worker(void) {
  become_user();
  NEED(prctl(PR_SET_PDEATHSIG, SIGUSR2));
}
static void check_worker(void) {
  CHECK_EQ("setuid(0)", -1, setuid(0));
  CHECK_EQ("a signal to the first process", -1, kill(getppid(), 0));
  CHECK_EQ("errno", EPERM, errno);
}

static void be_dumpable(void) {
  become_user();
  NEED(prctl(PR_SET_DUMPABLE, 1));
}

static void be_capable(void) {
  NEED(prctl(PR_SET_KEEPCAPS, 1));
  become_user();
  set_capabilities(BIT(kBind), BIT(kBind) | BIT(kChown), BIT(kBind));
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kBind, 0, 0));
}

/// What is inheritable may be outside of the bounding set.
static void be_bounded(void) {
  struct Rights own = read_rights();
  set_capabilities(own.effective, own.permitted, BIT(kModule));
  NEED(prctl(PR_CAPBSET_DROP, kModule, 0, 0, 0));
  NEED(prctl(PR_CAPBSET_DROP, kTime, 0, 0, 0));
  own.permitted &= ~BIT(kTime);
  set_capabilities(own.permitted & ~BIT(kChown), own.permitted, BIT(kModule));
}

static void be_powerless(void) {
  NEED(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP));
  set_capabilities(0, 0, 0);
}

/// With a capability that it got for this alone.
static void be_locked(void) {
  NEED(prctl(PR_SET_KEEPCAPS, 1));
  become_user();
  set_capabilities(BIT(kSetPcap), BIT(kSetPcap) | BIT(kBind), 0);
  NEED(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_CAP_AMBIENT_RAISE));
  set_capabilities(0, BIT(kBind), 0);
}

static void be_halfway(void) {
  NEED(setegid(kGroup));
  NEED(seteuid(kUser));
}
static void check_halfway(void) {
  NEED(seteuid(0));
}

static void be_file_server(void) {
  setfsgid(kGroup);
  setfsuid(kUser);
}

/// Its folder is not that of its root.
static void be_jailed(void) {
  NEED(mkdir(app_path("jail"), 0755));
  NEED(mkdir(app_path("jail/inner"), 0755));
  NEED(mkdir(app_path("jail/inner/folder"), 0755));
  NEED(chdir(app_path("jail/inner")));
  NEED(chroot(app_path("jail")));
  become_user();
}
static void check_jailed(void) {
  NEED(access("/inner/folder", F_OK));
  NEED(access("folder", F_OK));
}

static void be_filtered(void) {
  become_user();
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}
static void check_filtered(void) {
  CHECK_EQ("what the filter forbids", -1, getpriority(PRIO_PROCESS, 0));
  CHECK_EQ("errno", EXDEV, errno);
}

/// The limit counts all processes of the user, of whom there is no other.
static void be_limited(void) {
  NEED(setresuid(kUser + 1, kUser + 1, kUser + 1));
  NEED(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}));
}
static void check_limited(void) {
  CHECK_EQ("fork() at the limit", -1, fork());
  CHECK_EQ("errno", EAGAIN, errno);
}

static int made_pipe[2], made_socket;
enum { kGetOwnerUids = 17 };  // F_GETOWNER_UIDS

static void be_maker(void) {
  become_user();
  NEED(prctl(PR_SET_DUMPABLE, 1));
  NEED(pipe(made_pipe));
  made_socket = (int)NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(fcntl(made_socket, F_SETOWN, getpid()));
}
static void check_maker(void) {
  uid_t rights[2] = {0, 0};
  struct stat status;
  NEED(fstat(made_socket, &status));
  CHECK_EQ("user of the socket", kUser, status.st_uid);
  CHECK_EQ("group of the socket", kGroup, status.st_gid);
  NEED(fcntl(made_socket, kGetOwnerUids, rights));
  CHECK_EQ("with whose rights it signals", kUser, rights[1]);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", made_pipe[1]);
  close((int)NEED(open(path, O_WRONLY)));
}

static const struct {
  const char* name;
  void (*become)(void);
  void (*check)(void);
} kinds[] = {
    {"worker", be_worker, check_worker},    {"dumpable", be_dumpable, NULL},
    {"capable", be_capable, NULL},          {"bounded", be_bounded, NULL},
    {"powerless", be_powerless, NULL},      {"locked", be_locked, NULL},
    {"halfway", be_halfway, check_halfway}, {"file server", be_file_server, NULL},
    {"jailed", be_jailed, check_jailed},    {"filtered", be_filtered, check_filtered},
    {"limited", be_limited, check_limited}, {"maker", be_maker, check_maker},
};
enum { kKinds = sizeof kinds / sizeof *kinds };

static int said[2], turns[2], thread_turns[2];
static volatile sig_atomic_t signalled;

static void on_signal(int number) {
  (void)number;
  signalled = 1;
}

/// Rights are a thread's own.
static void* be_thread(void* name) {
  const struct Rights had = read_rights();
  tree_say(said[1], 't');
  tree_hear(thread_turns[0], 'g');
  check_rights(name, &had);
  return NULL;
}

static void be(int kind) {
  pthread_t thread;
  const char* name = kinds[kind].name;
  NEED(pipe(thread_turns));
  NEED(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL));
  kinds[kind].become();
  // The limit would forbid it; and what is set for a thread alone is not its.
  const bool alone = kinds[kind].become == be_limited || kinds[kind].become == be_file_server;
  if (alone)
    tree_say(said[1], 't');
  else
    NEED0(pthread_create(&thread, NULL, be_thread, (void*)name));
  const struct Rights had = read_rights();
  tree_say(said[1], 'r');
  tree_hear(turns[0], 'g');
  check_rights(name, &had);
  while (!signalled) app_sleep_ms(1);
  tree_say(thread_turns[1], 'g');
  if (!alone) NEED0(pthread_join(thread, NULL));
  if (kinds[kind].check != NULL) kinds[kind].check();
  _exit(70 + kind);
}

int main(int argc, char** argv) {
  pid_t children[kKinds];
  tree_start(argc, argv);
  if (geteuid() != 0) SKIP("only root can give up rights");
  NEED(pipe(said));
  NEED(pipe(turns));
  for (int kind = 0; kind < kKinds; kind++) {
    children[kind] = tree_fork();
    if (children[kind] == 0) be(kind);
    for (int i = 0; i < 2; i++) {
      char byte;
      CHECK_EQ("bytes read", 1, NEED(read(said[0], &byte, 1)));
    }
  }
  const struct Rights had = read_rights();
  app_wait();
  check_rights("the first process", &had);
  for (int kind = 0; kind < kKinds; kind++) tree_say(turns[1], 'g');
  for (int kind = 0; kind < kKinds; kind++) NEED(kill(children[kind], SIGUSR1));
  for (int kind = 0; kind < kKinds; kind++)
    tree_expect_exit(kinds[kind].name, 70 + kind, children[kind]);
  return 0;
}
