#include "launch/check/own_filters.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "arch/call_numbers.h"
#include "support/silent_child.h"

namespace thaw::launch {
namespace {

using image::View;

/// What the two tell each other, in memory that both have.
struct Trial {
  enum Word : uint32_t { kBegun, kDone, kEnd };
  uint32_t word;  ///< for futex(2)
  int32_t problem;
};

long wait_on(const uint32_t& word, uint32_t while_it_is, const long* patience) {
  return syscall(arch::kFutex, &word, FUTEX_WAIT, while_it_is, patience, nullptr, 0);
}

void tell(uint32_t& word, uint32_t value) {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
  syscall(arch::kFutex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

/// In the order of the restorer (restorer/seccomp.cc). 0 or an errno.
int set_filters(const View& view, const model::Process& process) {
  if ((process.flags & model::kNoNewPrivileges) != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return errno;
  const unsigned long all_threads = process.threads.count > 1 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  for (const model::SeccompFilter& filter :
       View::part(view.seccomp_filters(), process.seccomp_filters)) {
    const std::string_view bytes = view.bytes(filter.program);
    auto* instructions = reinterpret_cast<sock_filter*>(const_cast<char*>(bytes.data()));
    const sock_fprog program = {static_cast<unsigned short>(bytes.size() / sizeof(sock_filter)),
                                instructions};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter.flags | all_threads, &program) != 0)
      return errno;
  }
  return 0;
}

/// Until it is killed, it makes the one call that such filters are known to allow
/// (checkpoint/collect/seccomp.cc) and that changes nothing. To end by itself may be against them, which
/// the kernel would log: only where the caller's filter forbids kill(2).
[[noreturn]] void run_trial(const View& view, const model::Process& process, pid_t parent,
                            Trial& trial) {
  die_with(parent);
  trial.problem = set_filters(view, process);
  tell(trial.word, Trial::kDone);
  while (__atomic_load_n(&trial.word, __ATOMIC_ACQUIRE) != Trial::kEnd)
    wait_on(trial.word, Trial::kDone, nullptr);
  syscall(SYS_exit_group, 0);
  __builtin_trap();
}

/// False: it has ended before, and there is no `child` any more, or it does not come to it.
bool await(pid_t& child, const Trial& trial) {
  constexpr int kTries = 2000;
  const long patience[4] = {0, 5'000'000, 0, 0};  // A time, however wide its fields are.
  for (int i = 0; i < kTries; ++i) {
    if (__atomic_load_n(&trial.word, __ATOMIC_ACQUIRE) == Trial::kDone) return true;
    wait_on(trial.word, Trial::kBegun, patience);
    if (waitpid(child, nullptr, WNOHANG | __WCLONE) != child) continue;
    child = 0;
    return false;
  }
  return false;
}

void end(pid_t child, Trial& trial) {
  if (kill(child, SIGKILL) != 0) tell(trial.word, Trial::kEnd);
  await_silent(child);
}

Error explain(int problem) {
  if (problem == EACCES)
    return {problem,
            "the app has a seccomp filter and may gain privileges, which takes CAP_SYS_ADMIN, "
            "and the caller has it not",
            "let the app set PR_SET_NO_NEW_PRIVS before its filter"};
  if (problem == ENOMEM)
    return {problem, "the app's seccomp filters find no room beside the caller's",
            "let the caller have fewer or shorter ones"};
  return {problem, "the kernel cannot set the app's seccomp filter",
          "launch it on a kernel with CONFIG_SECCOMP_FILTER that is no older than the build's"};
}

Result<void> try_filters(const View& view, const model::Process& process) {
  constexpr const char* kProblem = "cannot try the app's seccomp filters";
  void* memory =
      mmap(nullptr, sizeof(Trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno_error(kProblem);
  auto& trial = *static_cast<Trial*>(memory);
  const pid_t parent = getpid();
  auto child = static_cast<pid_t>(fork_silently());
  if (child == 0) run_trial(view, process, parent, trial);
  Result<void> result;
  if (child < 0)
    result = errno_error(kProblem);
  else if (!await(child, trial))
    result = Error{0, kProblem};
  else if (trial.problem != 0)
    result = explain(trial.problem);
  if (child > 0) end(child, trial);
  munmap(memory, sizeof(Trial));
  return result;
}

}  // namespace

Result<void> check_own_filters(const View& view) {
  for (const model::Process& process : view.processes())
    if (process.seccomp_filters.count != 0) THAW_TRY(try_filters(view, process));
  return {};
}

}  // namespace thaw::launch
