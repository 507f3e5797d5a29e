#include "launch/tree/tree.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "image/tree.h"
#include "launch/check/pid_namespace.h"
#include "launch/prepare/descriptors.h"
#include "launch/tree/coredump_filter.h"
#include "restorer/log.h"
#include "support/end_as.h"

namespace thaw::launch {
namespace {

constexpr int kExitGivenUp = 125;

/// Of one that ends at once: who waits for it is told its user.
bool set_users(const model::Credentials& c) {
  return setresgid(c.groups[0], c.groups[1], c.groups[2]) == 0 &&
         setresuid(c.users[0], c.users[1], c.users[2]) == 0;
}

/// That of its session, which the others keep. There may be none.
Result<void> give_terminal_up() {
  const UniqueFd terminal(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (terminal.valid() && ioctl(terminal.get(), TIOCNOTTY) != 0)
    return errno_error("cannot give the controlling terminal up");
  return {};
}

}  // namespace

Tree::~Tree() {
  if (record_.meeting == nullptr) return;
  restorer::end_members(record_);
  restorer::put_back_coredump_filter(record_.callers_coredump_filter);
  munmap(record_.meeting, meeting_size_);
}

bool Tree::leads_session(model::Index index) const {
  return view_.processes()[index].session == index;
}

bool Tree::keeps_ids() const {
  return has_namespace(view_);
}

bool Tree::leads_group(model::Index index) const {
  return view_.processes()[index].process_group == index && !leads_session(index);
}

Result<void> Tree::make_meeting() {
  const auto processes = view_.processes();
  meeting_size_ = sizeof(restorer::Meeting) + view_.threads().size() * sizeof(uint32_t);
  void* shared =
      mmap(nullptr, meeting_size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return errno_error("cannot make memory for the app's processes");
  record_.meeting = static_cast<restorer::Meeting*>(shared);
  record_.processes = processes.data();
  record_.count = static_cast<uint32_t>(processes.size());
  const auto count = [&processes](model::ProcessState state) {
    return static_cast<uint32_t>(
        std::count_if(processes.begin(), processes.end(),
                      [state](const model::Process& process) { return process.state == state; }));
  };
  record_.living = record_.count - count(model::ProcessState::zombie);
  record_.stopped = count(model::ProcessState::stopped);
  return {};
}

/// Who ignores the signal never hears how a child has ended.
Result<void> Tree::hear_of_ends() {
  constexpr size_t kSize = sizeof(record_.callers_signals);
  constexpr const char* kProblem = "cannot wait for processes";
  struct sigaction callers = {}, usual = {};
  usual.sa_handler = SIG_DFL;
  if (syscall(SYS_rt_sigpending, &record_.callers_signals, kSize) != 0 ||
      sigaction(SIGCHLD, nullptr, &callers) != 0)
    return errno_error(kProblem);
  // Nothing that changes nothing: it would take away a signal that waits for the caller.
  if (callers.sa_handler != SIG_IGN) return {};
  if (sigaction(SIGCHLD, &usual, nullptr) != 0) return errno_error(kProblem);
  record_.ignores_ends = 1;
  return {};
}

/// Those whose parent has ended are left to this process, which waits for all.
void Tree::adopt_orphans() {
  const auto processes = view_.processes();
  const bool deep = std::any_of(processes.begin(), processes.end(), [](const auto& process) {
    return process.parent != model::kNone && process.parent != 0;
  });
  int callers = 0;
  if (!deep || prctl(PR_GET_CHILD_SUBREAPER, &callers) != 0 || callers != 0) return;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) record_.subreaper = callers;
}

Result<void> Tree::grow(Guard& guard, Descriptors& descriptors) {
  descriptors_ = &descriptors;
  guard.settle();  // Its child's child would be left to this process, too.
  born_before_ = image::born_before_session(view_.processes());
  THAW_TRY(make_meeting());
  THAW_TRY(hear_of_ends());
  replace_coredump_filter(view_, record_);
  adopt_orphans();
  const pid_t own = getpid();
  callers_group_ = getpgid(0);
  if (own <= 0 || callers_group_ < 0) return errno_error("cannot tell who this is");
  if (view_.root_process().foreground != model::kNone) {
    THAW_ASSIGN(terminal, descriptors.callers_terminal());
    record_.terminal = terminal;
  }
  record_.meeting->ids[view_.root_process().threads.first] = static_cast<uint32_t>(own);
  return be(0, 0);
}

/// What this process has to do in the order of its life: its children are born into its session.
Result<void> Tree::be(model::Index self, pid_t parent) {
  record_.self = self;
  if (is_member()) {
    record_.callers_signals = 0;  // Which wait for the root alone.
    record_.terminal = -1;
    THAW_TRY(begin_life(parent));
  }
  for (const bool before_session : {true, false}) {
    if (!before_session && leads_session(self)) THAW_TRY(begin_session());
    bool in_child = false;
    THAW_TRY(make_children(before_session, in_child));
    if (in_child) return {};
  }
  if ((process().flags & model::kNoTerminal) != 0) THAW_TRY(give_terminal_up());
  if (leads_group(self) && setpgid(0, 0) != 0) return errno_error("cannot begin a process group");
  return {};
}

/// Those that are born into it have its terminal.
Result<void> Tree::begin_session() {
  if (setsid() < 0) return errno_error("cannot begin a session");
  if (process().controlling == model::kNone) return {};
  THAW_ASSIGN(terminal, descriptors_->take_terminal(process().controlling));
  record_.terminal = terminal;
  return {};
}

/// Whoever ends the root ends all of them.
Result<void> Tree::begin_life(pid_t parent) const {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return errno_error("cannot bind a process to its parent");
  if (getppid() != parent) end();
  if (!keeps_ids() && static_cast<uint32_t>(getpid()) == process().pid)
    return Error{0, "a process has the very pid that it had at the checkpoint"};
  return {};
}

Result<void> Tree::make_children(bool before_session, bool& in_child) {
  const model::Index self = record_.self;
  const pid_t own = getpid();
  for (model::Index child = self + 1; child < record_.count; ++child) {
    if (view_.processes()[child].parent != self || born_before_[child] != before_session) continue;
    THAW_ASSIGN(pid, make(child));
    if (pid != 0) continue;
    in_child = true;
    return be(child, own);
  }
  return {};
}

/// Returns in both; 0: in the child. Its id is known to all before it runs.
Result<pid_t> Tree::make(model::Index child) const {
  const model::Process& process = view_.processes()[child];
  clone_args arguments = {};
  arguments.flags = CLONE_PARENT_SETTID;
  arguments.parent_tid =
      reinterpret_cast<uintptr_t>(record_.meeting->ids) + process.threads.first * sizeof(uint32_t);
  arguments.exit_signal = process.exit_signal;
  const pid_t kept = static_cast<pid_t>(process.pid);
  if (keeps_ids()) {
    arguments.set_tid = reinterpret_cast<uintptr_t>(&kept);
    arguments.set_tid_size = 1;
  }
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid < 0) return errno_error("cannot make a process of the app");
  if (pid == 0 && process.state == model::ProcessState::zombie) be_zombie(child);
  return static_cast<pid_t>(pid);
}

bool Tree::has_failed() const {
  const uint32_t born =
      __atomic_load_n(&record_.meeting->arrived[restorer::kBorn], __ATOMIC_ACQUIRE);
  return (born & restorer::Meeting::kFailed) != 0 || restorer::is_orphan(record_) ||
         restorer::has_lost_child(record_);
}

Result<std::vector<pid_t>> Tree::await_births() const {
  constexpr timespec kMoment = {0, 100'000};
  constexpr int kMoments = restorer::kPatienceNs / kMoment.tv_nsec;
  std::vector<pid_t> pids;
  for (uint32_t i = 0; i < record_.count; ++i) {
    for (int waited = 1; record_.pid(i) == 0; ++waited) {
      if (waited % kMoments == 0 && has_failed())
        return Error{ECANCELED, "another process of the app was not made"};
      nanosleep(&kMoment, nullptr);
    }
    pids.push_back(static_cast<pid_t>(record_.pid(i)));
  }
  return pids;
}

void Tree::be_zombie(model::Index self) const {
  const model::Process& process = view_.processes()[self];
  if (leads_session(self) && setsid() < 0) end();
  if (leads_group(self) && setpgid(0, 0) != 0) end();
  if (prctl(PR_SET_NAME, view_.threads()[process.threads.first].comm) != 0) end();
  if (process.credentials != model::kNone && !set_users(view_.credentials()[process.credentials]))
    end();
  end_as(process.exit_status);
}

void Tree::end() const {
  restorer::tell_of_failure(record_);
  _exit(kExitGivenUp);
}

void Tree::give_up(const ExecCall& call, const Error& reason) const {
  if (call.log >= restorer::kLogWarn || !call.fallback)
    fprintf(stderr, "thaw-exec: process %u of the app: %s\n", self(), reason.text().c_str());
  end();
}

}  // namespace thaw::launch
