#include "launch/check/filter.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "arch/call_numbers.h"
#include "arch/this_cpu.h"
#include "fd/kinds.h"
#include "fd/open_file.h"
#include "launch/check/pid_namespace.h"
#include "launch/prepare/ipc_objects.h"
#include "support/file.h"
#include "support/silent_child.h"

namespace thaw::launch {

using image::View;

namespace {

/// A system call with arguments that change nothing.
struct Trial {
  const char* name;
  long number;
  long a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
};

constexpr long kNone = -1;  ///< no descriptor, no process
constexpr long kBad = -1;   ///< flags that no call takes

/// wait4 is first: it is needed then.
constexpr Trial kAlways[] = {
    {"wait4", SYS_wait4, kNone, 0, WNOHANG},
    {"execveat", SYS_execveat, kNone},
    {"prctl", SYS_prctl, PR_GET_DUMPABLE},
    {"prlimit64", SYS_prlimit64, 0, kBad},
    {"openat", SYS_openat, kNone},
    {"unlinkat", SYS_unlinkat, kNone},
    {"ioctl", SYS_ioctl, kNone},
    {"read", SYS_read, kNone},
    {"pread64", SYS_pread64, kNone},
    {"preadv2", SYS_preadv2, kNone},
    {"write", SYS_write, kNone},
    {"lseek", arch::kSeek, kNone},
    {"close", SYS_close, kNone},
    {"close_range", SYS_close_range, kNone, 0, kBad},
    {"dup3", SYS_dup3, kNone, kNone, kBad},
    {"fcntl", arch::kFcntl, kNone, F_GETFD},
    {arch::kFileStatusName, arch::kFileStatus, kNone},
    {"fstatfs", arch::kStatfs, kNone},
    {"fadvise64", arch::kAdvise, kNone},
    {"readahead", SYS_readahead, kNone},
    {"getxattr", SYS_getxattr},
    {"fgetxattr", SYS_fgetxattr, kNone},
    {"chdir", SYS_chdir},
    {"fchdir", SYS_fchdir, kNone},
    {"getpid", SYS_getpid},
    {"gettid", SYS_gettid},
    {"getuid", arch::kGetUid},
    {"geteuid", arch::kGetEffectiveUid},
    {"getgid", arch::kGetGid},
    {"getegid", arch::kGetEffectiveGid},
    {"getpgid", SYS_getpgid, kNone},
    {"unshare", SYS_unshare},
    {"setns", SYS_setns, kNone},
    {"personality", SYS_personality, static_cast<long>(0xffffffffUL)},
    {"mremap", SYS_mremap},
    {"madvise", SYS_madvise, 0, 0, MADV_NORMAL},
    {"mlock2", SYS_mlock2, 0, 0, kBad},
    {"rt_sigaction", SYS_rt_sigaction, SIGSEGV, 0, 0, 8},
    {"rt_sigprocmask", SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 8},
    {"rt_sigpending", SYS_rt_sigpending, 0, 8},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, 0, 0, 0, 0},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, kNone, 0, 0},
    {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, kNone, kNone, 0, 0},
    {"setitimer", SYS_setitimer, kBad},
    {"timer_create", SYS_timer_create, kBad},
    {"timer_delete", SYS_timer_delete, kNone},
    {"timer_settime", SYS_timer_settime, kNone},
    {"sched_getaffinity", SYS_sched_getaffinity, kNone},
    {"sched_setscheduler", SYS_sched_setscheduler, kNone},
    {"getpriority", SYS_getpriority, kBad},
    {"getcpu", SYS_getcpu},
    {"nanosleep", SYS_nanosleep},
    {"membarrier", SYS_membarrier, 0, kBad},
    {"capget", SYS_capget},
    {"futex", arch::kFutex, 0, kBad},
    {"rseq", SYS_rseq, 0, 0, kBad},
    {"set_robust_list", SYS_set_robust_list},
};

constexpr Trial kForDescriptors[] = {
    {"socket", SYS_socket, kBad},
    {"socketpair", SYS_socketpair, kBad},
    {"bind", SYS_bind, kNone},
    {"listen", SYS_listen, kNone},
    {"connect", SYS_connect, kNone},
    {"accept4", SYS_accept4, kNone},
    {"getsockname", SYS_getsockname, kNone},
    {"getsockopt", SYS_getsockopt, kNone},
    {"setsockopt", SYS_setsockopt, kNone},
    {"sendmsg", SYS_sendmsg, kNone},
    {"sendto", SYS_sendto, kNone},
    {"shutdown", SYS_shutdown, kNone},
    {"pipe2", SYS_pipe2, 0, kBad},
    {"eventfd2", SYS_eventfd2, 0, kBad},
    {"epoll_create1", SYS_epoll_create1, kBad},
    {"epoll_ctl", SYS_epoll_ctl, kNone},
    {"timerfd_create", SYS_timerfd_create, kBad},
    {"timerfd_settime", arch::kSetTimerFd, kNone},
    {"signalfd4", SYS_signalfd4, kNone, 0, 0, kBad},
    {"inotify_init1", SYS_inotify_init1, kBad},
    {"inotify_add_watch", SYS_inotify_add_watch, kNone},
    {"memfd_create", SYS_memfd_create, 0, kBad},
    {"ftruncate", arch::kTruncate, kNone, kNone},
    {"fchmod", SYS_fchmod, kNone},
    {"fchown", arch::kSetOwner, kNone, kNone, kNone},
    {"fchmodat", SYS_fchmodat, kNone},
    {"fchownat", SYS_fchownat, kNone},
    {"flock", SYS_flock, kNone},
    {"utimensat", arch::kSetTimes, kNone},
    {"sendfile", arch::kSendFile, kNone, kNone},
};

constexpr Trial kForFanotify[] = {
    {"fanotify_init", SYS_fanotify_init, kBad},
    {"fanotify_mark", SYS_fanotify_mark, kNone},
};
constexpr Trial kForAio[] = {{"io_setup", SYS_io_setup}};  // Without a request.
constexpr Trial kForPidfds[] = {{"pidfd_open", SYS_pidfd_open, kNone}};

/// For comparing the machine with what it was.
constexpr Trial kForMachine[] = {
    {"uname", SYS_uname},
    {"sysinfo", SYS_sysinfo},
};

/// For comparing inputs with what they were.
constexpr Trial kForInputs[] = {
    {"statx", SYS_statx, kNone},
    {"getdents64", SYS_getdents64, kNone},
};

constexpr Trial kForOwnSettings[] = {
    {"umask", SYS_umask},
    {"mlockall", SYS_mlockall, kBad},
};

constexpr Trial kForProtectionKeys[] = {
    {"pkey_alloc", SYS_pkey_alloc, kBad},
    {"pkey_free", SYS_pkey_free, kBad},
    {"pkey_mprotect", SYS_pkey_mprotect, 1, 0, 0, kBad},
};

constexpr Trial kForAffinity[] = {{"sched_setaffinity", SYS_sched_setaffinity, kNone}};
constexpr Trial kForNice[] = {{"setpriority", SYS_setpriority, kBad}};
constexpr Trial kForIoPriority[] = {{"ioprio_set", SYS_ioprio_set, kBad}};

/// The trial of the filters is ended by a signal; no process has this pid.
constexpr Trial kForFilters[] = {
    {"seccomp", SYS_seccomp, kBad},
    {"kill", SYS_kill, 0x7fffffff, 0},
};

constexpr Trial kForMessageQueues[] = {
    {"mq_open", SYS_mq_open},  // Without a name.
    {"mq_getsetattr", SYS_mq_getsetattr, kNone},
};

constexpr Trial kForSegments[] = {
    {"shmget", SYS_shmget, kNone, 0, 0},
    {"shmat", SYS_shmat, kNone},
    {"shmctl", SYS_shmctl, kNone, IPC_STAT},
    {"shmdt", SYS_shmdt, 1},
};

constexpr Trial kForIpc[] = {
    {"semget", SYS_semget, kNone, 0, 0},     {"semctl", SYS_semctl, kNone, 0, IPC_STAT},
    {"semop", SYS_semop, kNone, 0, 0},       {"msgget", SYS_msgget, kNone, 0},
    {"msgctl", SYS_msgctl, kNone, IPC_STAT},
};

constexpr Trial kForTerminals[] = {{"getsid", SYS_getsid, kNone}};

constexpr Trial kForSessions[] = {{"recvmsg", SYS_recvmsg, kNone}};

constexpr Trial kForPidFile[] = {{"ftruncate", SYS_ftruncate, kNone, kNone}};

/// A stand-in passes signals on to the app; no process has this pid.
constexpr Trial kForPid[] = {
    {"kill", SYS_kill, 0x7fffffff, 0},
    {"getppid", SYS_getppid},
};

/// Made as well, but tried by something else than a call of their own, or before any.
constexpr const char* kUntried[] = {"clone3",    "mmap",     "mprotect",    "munmap",
                                    "getrandom", "readlink", "rt_sigreturn"};

std::span<const model::Thread> threads_of(const View& view) {
  return View::part(view.threads(), view.root_process().threads);
}

template <typename Has>
bool some_thread(const View& view, const Has& has) {
  const auto threads = threads_of(view);
  return std::any_of(threads.begin(), threads.end(), has);
}

bool has_own_settings(const View& view) {
  constexpr uint32_t kOwn = model::kOwnUmask | model::kLockFuture;
  const model::Process& process = view.root_process();
  return (process.flags & kOwn) != 0 || process.own_limits != 0;
}

bool has_own_io_priority(const View& view) {
  return some_thread(view, [](const auto& t) { return (t.flags & model::kOwnIoPriority) != 0; });
}

template <typename Has>
bool some_file(const View& view, const Has& has) {
  const auto files = view.open_files();
  return std::any_of(files.begin(), files.end(), [&has](const model::OpenFile& file) {
    return !fd::is_closed(file) && !fd::is_left_out(file) && has(file);
  });
}

template <const fd::Kind& kKind>
bool has_kind(const View& view) {
  return some_file(
      view, [kind = fd::kind_id(kKind)](const model::OpenFile& file) { return file.kind == kind; });
}

bool makes_aio_ring(const View& view) {
  const auto ops = View::part(view.ops(), view.root_process().ops);
  return std::any_of(ops.begin(), ops.end(),
                     [](const model::Op& op) { return op.kind == model::OpKind::aio_ring; });
}

/// Devices have no other content.
bool opens_terminal(const View& view) {
  const uint32_t kind = fd::kind_id(fd::kDevice);
  return some_file(view, [kind](const model::OpenFile& file) {
    return file.kind == kind && file.content.size != 0;
  });
}

bool writes_pid_file(const View& view) {
  const auto notices = View::part(view.id_notices(), view.root_process().id_notices);
  return std::any_of(notices.begin(), notices.end(), [](const model::IdNotice& notice) {
    return notice.form == model::IdForm::written_pid_file;
  });
}

/// Calls that a launch may make and a cold start need not.
struct Group {
  const char* when;  ///< as docs/filter.md has it
  std::span<const Trial> calls;
  bool (*needed)(const View&);
};

constexpr Group kGroups[] = {
    {"always", kAlways, [](const View&) { return true; }},
    {"where the launch makes descriptors", kForDescriptors,
     [](const View& view) { return !view.open_files().empty() || !view.objects().empty(); }},
    {"where files are inputs", kForInputs, [](const View& view) { return view.has_inputs(); }},
    {"where the app has asked for its machine", kForMachine,
     [](const View& view) { return view.requirements_record().machine.asked != 0; }},
    {"where the app has set its umask or limits, or locks memory to come", kForOwnSettings,
     has_own_settings},
    {"where the app has allocated protection keys (V8 does, where the CPU has them)",
     kForProtectionKeys,
     [](const View& view) {
       return (view.root_process().protection_keys | view.root_process().kernels_keys) != 0;
     }},
    {"where a thread has CPUs of its own", kForAffinity,
     [](const View& view) {
       return some_thread(view, [](const auto& t) { return t.affinity.size != 0; });
     }},
    {"where a thread has a nice value of its own", kForNice,
     [](const View& view) { return some_thread(view, [](const auto& t) { return t.nice != 0; }); }},
    {"where a thread has an I/O priority of its own", kForIoPriority, has_own_io_priority},
    {"where an image keeps its pid (`keep_pid`)", kForPid,
     [](const View& view) { return (view.root_process().flags & model::kKeepPid) != 0; }},
    {"where the app has a filter of its own", kForFilters,
     [](const View& view) { return view.root_process().seccomp_filters.count != 0; }},
    {"where a launch opens a message queue", kForMessageQueues, has_kind<fd::kMessageQueue>},
    {"where the app has a fanotify group", kForFanotify, has_kind<fd::kFanotify>},
    {"where the app has a pidfd", kForPidfds, has_kind<fd::kPidfd>},
    {"where the app has kernel AIO (`io_setup`)", kForAio, makes_aio_ring},
    {"where the app has System V shared memory", kForSegments,
     [](const View& view) { return !view.attachments().empty(); }},
    {"where the app has used System V semaphores or message queues", kForIpc,
     [](const View& view) { return IpcObjects::are_seen_outside(view); }},
    {"where a launch opens a terminal again by policy", kForTerminals, opens_terminal},
    {"where a launch plays a session", kForSessions, has_kind<fd::kSession>},
    {"where a launch writes a pid file", kForPidFile, writes_pid_file},
};

/// What the child tells; it lies in memory that both have.
struct Progress {
  const char* at;  ///< the call that is tried
  uint32_t can_wait, done;
};

/// glibc registers rseq for each thread since 2.35, and since 2.34 makes threads by clone3(2): a
/// filter that kills for it ends the app's cold start as well.
bool app_makes_children(const View& view) {
  const auto threads = threads_of(view);
  return threads.size() > 1 && threads[0].rseq_address != 0;
}

Progress* progress_of_handler = nullptr;
void* guarded_page = nullptr;

/// The page becomes accessible, and the write is made again when the handler has returned.
void on_fault(int, siginfo_t* info, void* context) {
  mprotect(guarded_page, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_READ | PROT_WRITE);
  progress_of_handler->at = "rt_sigreturn";
  raw::leave_handler(raw::signal_frame(info, context));
}

/// The way by which every launch ends, tried by a fault that a handler mends.
void try_return_from_handler(Progress& progress) {
  progress.at = "mmap";
  progress_of_handler = &progress;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  guarded_page = mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (guarded_page == MAP_FAILED) return;
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  progress.at = "rt_sigaction";
  if (sigaction(SIGSEGV, &action, nullptr) != 0) return;
  progress.at = "mprotect";
  *static_cast<volatile char*>(guarded_page) = 1;
  progress.done = 1;
}

void try_calls(std::span<const Trial> trials, Progress& progress) {
  for (const Trial& t : trials) {
    progress.at = t.name;
    syscall(t.number, t.a, t.b, t.c, t.d, t.e, t.f);
    progress.can_wait = 1;
  }
}

[[noreturn]] void run_child(const View& view, Progress& progress) {
  for (const Group& group : kGroups)
    if (group.needed(view)) try_calls(group.calls, progress);
  try_return_from_handler(progress);
  _exit(0);
}

/// A process of its own that ends before this returns. -1 with errno where there can be none.
pid_t run_trials(const View& view, Progress& progress) {
  const long child = fork_silently(CLONE_VFORK);  // No memory of ours for it to change.
  if (child == 0) run_child(view, progress);
  return static_cast<pid_t>(child);
}

Result<void> try_filter(const View& view) {
  void* memory =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno_error("cannot try the filter of system calls");
  auto& progress = *static_cast<Progress*>(memory);
  const pid_t child = run_trials(view, progress);
  const int problem = errno;
  const Progress told = progress;
  munmap(memory, sizeof(Progress));
  if (child < 0) return Error{problem, "cannot try the filter of system calls"};
  // Where wait4(2) is not allowed, what is left of the child stays until the app ends.
  if (told.can_wait != 0) waitpid(child, nullptr, __WCLONE);
  if (told.done != 0) return {};
  return Error{0, std::string("the filter of system calls does not allow ") + told.at,
               "allow it (systemd: SystemCallFilter=@system-service)"};
}

}  // namespace

bool is_filtered() {
  // Nothing else than this file tells without a call that a filter may kill for and that the app's
  // cold start need not make: prctl(2), seccomp(2). Where it cannot be read, nobody knows.
  const auto status = read_file("/proc/self/status");
  if (!status) return true;
  const std::string_view mode = line_value(status.value(), "Seccomp:");
  return !mode.empty() && mode != "0";
}

Result<void> check_filter(const View& view, const ExecCall& call) {
  if (has_namespace(view))
    return Error{0, "a filter of system calls is in force, and the launch makes a pid namespace",
                 "launch it without a filter"};
  if (view.processes().size() > 1)
    return Error{0, "a filter of system calls is in force, and the app has several processes",
                 "launch it without a filter"};
  if (call.tries_filter || app_makes_children(view)) return try_filter(view);
  return Error{
      0,
      "a filter of system calls is in force, and the app has no threads: whether it allows "
      "a launch cannot be tried without harm",
      "set THAW_FILTER=try where it allows clone3 (systemd: SystemCallFilter=@system-"
      "service, Environment=THAW_FILTER=try)"};
}

void each_call(const View* view, const std::function<void(const char*, const char*)>& found) {
  for (const char* name : kUntried) found(kGroups[0].when, name);
  for (const Group& group : kGroups)
    if (view == nullptr || group.needed(*view))
      for (const Trial& call : group.calls) found(group.when, call.name);
}

}  // namespace thaw::launch
