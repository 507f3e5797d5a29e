#include "launch/prepare/pid_namespace.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

#include "launch/prepare/user_namespace.h"
#include "support/file.h"
#include "support/pipe.h"
#include "support/silent_child.h"

namespace thaw::launch {
namespace {

bool has_ended(const UniqueFd& process) {
  pollfd end = {process.get(), POLLIN, 0};
  return poll(&end, 1, 0) > 0;
}

/// Signals are blocked. Who ignores SIGCHLD has no zombies: orphans have that signal at their end.
[[noreturn]] void be_first(const UniqueFd& parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (has_ended(parent)) _exit(1);  // Of a parent outside, getppid(2) tells nothing.
  signal(SIGCHLD, SIG_IGN);
  prctl(PR_SET_NAME, "thaw-init");
  setsid();
  close_range(0, ~0U, 0);  // Pipes: who reads them waits for the last writer.
  (void)!chdir("/");
  for (;;) pause();
}

/// The step that failed, or null. Mounts of others stay what they are, shared where they are.
const char* mount_proc() {
  if (unshare(CLONE_NEWNS) != 0) return "cannot make a mount namespace";
  if (mount(nullptr, "/proc", nullptr, MS_SLAVE, nullptr) != 0)
    return "cannot keep a /proc from others";
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return "cannot mount /proc";
  return nullptr;
}

/// Else a child could get the id of a process that has just ended. Old kernels have no such file.
void go_on_after(pid_t last) {
  write_file("/proc/sys/kernel/ns_last_pid", std::to_string(last));
}

/// What the child tells; `step` points to a text of the program that both are.
struct Outcome {
  int err;
  const char* step;
};

constexpr int kExitGivenUp = 125;

/// A child with the id `pid` (0: any). With CLONE_PARENT it is this process's sibling, and ends as this one
/// does.
long fork_with(uint64_t flags, pid_t pid) {
  clone_args arguments = {};
  arguments.flags = flags;
  arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (pid != 0) {
    arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
    arguments.set_tid_size = 1;
  }
  return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/// What the process between does, in memory that it shares: whoever it has made by the time it ends is known. `step` is
/// as in Outcome.
struct Born {
  int err;
  const char* step;
  long first, app;  ///< as they are called outside; 0: not made
};

class SharedBorn {
 public:
  SharedBorn()
      : at_(mmap(nullptr, sizeof(Born), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                 0)) {}
  SharedBorn(const SharedBorn&) = delete;
  SharedBorn& operator=(const SharedBorn&) = delete;
  ~SharedBorn() {
    if (valid()) munmap(at_, sizeof(Born));
  }
  [[nodiscard]] bool valid() const { return at_ != MAP_FAILED; }
  volatile Born* operator->() { return static_cast<Born*>(at_); }

 private:
  void* at_;
};

bool read_whole(int fd, void* to, size_t size) {
  ssize_t got = 0;
  while ((got = read(fd, to, size)) < 0 && errno == EINTR) {
  }
  return got == static_cast<ssize_t>(size);
}

/// In the process between, which enters the namespaces and makes their processes; true: this is the app's.
bool make_there(const UserNamespace& user, const UniqueFd& parent, pid_t pid, SharedBorn& born) {
  born->step = user.enter();
  if (born->step != nullptr) return false;
  auto pipe = make_pipe();  // Nobody else has it: when the first process ends, reading it does.
  if (!pipe) {
    errno = pipe.error().err;
    born->step = "cannot make a pipe in a user namespace";
    return false;
  }
  auto& [told, tell] = pipe.value();
  const long first = fork_with(CLONE_PARENT, 0);
  if (first == 0) {
    give_up_capabilities();
    if (write(tell.get(), "f", 1) != 1) _exit(1);
    be_first(parent);
  }
  born->first = first;
  tell.reset();
  // All others end with it, at whatever moment.
  char byte = 0;
  if (first > 0 && !read_whole(told.get(), &byte, 1)) {
    errno = 0;
    born->step = "the first process of a pid namespace has ended";
    return false;
  }
  const long app = first < 0 ? -1 : fork_with(CLONE_PARENT, pid);
  if (app == 0) return true;
  born->app = app;
  if (app < 0) born->step = "cannot make a process with the app's old id in a pid namespace";
  return false;
}

constexpr decltype(ITIMER_REAL) kTimers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

}  // namespace

bool UninheritedState::read() {
  bool good = prctl(PR_GET_PDEATHSIG, &death_signal_) == 0 && sigpending(&waiting_) == 0;
  for (const int which : kTimers) good = good && getitimer(which, &timers_[which]) == 0;
  return good;
}

bool UninheritedState::take() const {
  bool good = prctl(PR_SET_PDEATHSIG, death_signal_) == 0;
  for (const int which : kTimers) {
    const itimerval& timer = timers_[which];
    if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0) continue;
    good = good && setitimer(which, &timer, nullptr) == 0;
  }
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&waiting_, signal) == 1) good = good && kill(getpid(), signal) == 0;
  return good;
}

void UninheritedState::leave() const {
  const timespec none = {};
  const itimerval off = {};
  for (int signal = 1; signal < NSIG; ++signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    if (sigismember(&waiting_, signal) == 1) sigtimedwait(&one, nullptr, &none);
  }
  setitimer(ITIMER_REAL, &off, nullptr);
}

void UninheritedState::forget(int signal) const {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  const timespec none = {};
  if (sigismember(&waiting_, signal) == 0) sigtimedwait(&one, nullptr, &none);
}

PidNamespace::~PidNamespace() {
  end();
  if (callers_.valid()) (void)setns(callers_.get(), CLONE_NEWPID);
}

Result<void> PidNamespace::prepare() {
  THAW_ASSIGN(pipe, make_pipe());
  told_ = std::move(pipe.reader);
  tell_ = std::move(pipe.writer);
  return callers_state_.read() ? Result<void>() : errno_error("cannot watch over a pid namespace");
}

Result<void> PidNamespace::make() {
  THAW_TRY(prepare());
  UniqueFd own(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!own.valid() || unshare(CLONE_NEWPID) != 0)
    return Error{errno, "cannot make a pid namespace", "CAP_SYS_ADMIN is needed"};
  callers_ = std::move(own);
  const UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self.valid()) return errno_error("cannot watch over a pid namespace");
  const long first = fork_silently();
  if (first < 0) return errno_error("cannot make the first process of a pid namespace");
  if (first == 0) be_first(self);
  first_ = static_cast<pid_t>(first);
  return {};
}

Result<void> PidNamespace::make_of_user(pid_t pid) {
  THAW_TRY(prepare());
  // Not the pipe of the app's process, which may be faster to tell than the one between.
  THAW_ASSIGN(born_there, make_pipe());
  THAW_ASSIGN(go, make_pipe());
  may_go_ = std::move(go.reader);
  let_go_ = std::move(go.writer);
  const UserNamespace user;
  if (!user.is_known()) return errno_error("cannot read the caller's bounding set");
  const UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self.valid()) return errno_error("cannot watch over a pid namespace");
  bounding_ = user.bounding();
  SharedBorn born;
  if (!born.valid()) return errno_error("cannot make memory for a moment");
  const long between = fork_with(0, 0);
  if (between < 0) return errno_error("cannot make a process");
  char byte = 0;
  if (between == 0 && make_there(user, self, pid, born)) {
    born_ = 0;
    born_there.writer.reset();
    let_go_.reset();
    if (!read_whole(may_go_.get(), &byte, 1)) _exit(kExitGivenUp);
    return {};
  }
  if (between == 0) {
    born->err = errno;
    _exit(write(born_there.writer.get(), "b", 1) == 1 ? 0 : 1);
  }
  born_there.writer.reset();
  const bool told = read_whole(born_there.reader.get(), &byte, 1);
  waitpid(static_cast<pid_t>(between), nullptr, 0);
  callers_state_.forget(SIGCHLD);
  first_ = static_cast<pid_t>(born->first);
  born_ = static_cast<pid_t>(born->app);
  if (!told) return Error{0, "the process that makes the app's namespaces has ended"};
  if (born->step != nullptr) return Error{born->err, born->step};
  if (write(let_go_.get(), "g", 1) != 1) return errno_error("cannot let the app's process go on");
  return {};
}

void PidNamespace::settle(pid_t last) {
  const char* step = callers_state_.take()
                         ? mount_proc()
                         : "cannot have the caller's timers and signals in a process";
  if (step == nullptr && born_ == 0) step = keep_few_capabilities(bounding_);
  const Outcome outcome = {errno, step};
  const bool told = write(tell_.get(), &outcome, sizeof(outcome)) == ssize_t{sizeof(outcome)};
  if (step != nullptr || !told) _exit(kExitGivenUp);
  go_on_after(last);
  first_ = -1;  // The parent's.
  for (UniqueFd* fd : {&callers_, &told_, &tell_, &may_go_}) fd->reset();
}

Result<void> PidNamespace::await_settled() {
  tell_.reset();
  Outcome outcome = {};
  ssize_t size = 0;
  while ((size = read(told_.get(), &outcome, sizeof(outcome))) < 0) {
  }
  if (size != ssize_t{sizeof(outcome)})
    return Error{0, "the first process of the app has ended in its pid namespace"};
  if (outcome.step != nullptr)
    return Error{outcome.err, std::string(outcome.step) + " of the app's pid namespace"};
  callers_state_.leave();
  return {};
}

void PidNamespace::end() {
  if (first_ <= 0) return;
  // It ends when nobody else is left there, and who was born beside it is left until this process waits for it.
  if (kill(first_, SIGKILL) == 0) {
    if (born_ > 0) waitpid(born_, nullptr, __WALL);
    waitpid(first_, nullptr, __WALL);
  }
  first_ = -1;
}

}  // namespace thaw::launch
