#include "launch/prepare/pid_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

#include "support/silent_child.h"

namespace thaw::launch {
namespace {

/// Signals are blocked. Who ignores SIGCHLD has no zombies: orphans have that signal at their end.
[[noreturn]] void be_first(pid_t parent) {
  die_with(parent);
  signal(SIGCHLD, SIG_IGN);
  prctl(PR_SET_NAME, "thaw-init");
  setsid();
  close_range(0, ~0U, 0);  // Pipes: who reads them waits for the last writer.
  if (chdir("/") != 0) _exit(1);
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
  const UniqueFd file(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  char text[16];
  const int size = snprintf(text, sizeof(text), "%d", static_cast<int>(last));
  if (file.valid()) (void)!write(file.get(), text, static_cast<size_t>(size));
}

/// What the child tells; `step` points to a text of the program that both are.
struct Outcome {
  int err;
  const char* step;
};

constexpr int kExitGivenUp = 125;

}  // namespace

PidNamespace::~PidNamespace() {
  end();
  if (callers_.valid()) (void)setns(callers_.get(), CLONE_NEWPID);
}

Result<void> PidNamespace::make() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  told_ = UniqueFd(ends[0]);
  tell_ = UniqueFd(ends[1]);
  UniqueFd own(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!own.valid() || unshare(CLONE_NEWPID) != 0)
    return Error{errno, "cannot make a pid namespace", "CAP_SYS_ADMIN is needed"};
  callers_ = std::move(own);
  const pid_t self = getpid();
  const long first = fork_silently();
  if (first < 0) return errno_error("cannot make the first process of a pid namespace");
  if (first == 0) be_first(self);
  first_ = static_cast<pid_t>(first);
  return {};
}

void PidNamespace::settle(pid_t last) {
  const char* step = mount_proc();
  const Outcome outcome = {errno, step};
  const bool told = write(tell_.get(), &outcome, sizeof(outcome)) == ssize_t{sizeof(outcome)};
  if (step != nullptr || !told) _exit(kExitGivenUp);
  go_on_after(last);
  first_ = -1;  // The parent's.
  for (UniqueFd* fd : {&callers_, &told_, &tell_}) fd->reset();
}

Result<void> PidNamespace::await_settled() {
  tell_.reset();
  Outcome outcome = {};
  ssize_t size = 0;
  while ((size = read(told_.get(), &outcome, sizeof(outcome))) < 0 && errno == EINTR) {
  }
  if (size != ssize_t{sizeof(outcome)})
    return Error{0, "the first process of the app has ended in its pid namespace"};
  if (outcome.step != nullptr)
    return Error{outcome.err, std::string(outcome.step) + " of the app's pid namespace"};
  return {};
}

void PidNamespace::end() {
  if (first_ <= 0) return;
  if (kill(first_, SIGKILL) == 0) await_silent(first_);
  first_ = -1;
}

}  // namespace thaw::launch
