#include "spawn/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "spawn/given.h"
#include "spawn/keeper.h"
#include "spawn/terminal.h"
#include "spawn/unusual_pid.h"
#include "support/clock.h"
#include "support/pipe.h"
#include "support/time_namespace.h"
#include "support/unique_fd.h"

namespace thaw::spawn {
namespace {

/// Enters a time namespace whose clocks begin near zero, where privileges allow; else nothing
/// changes. An image of an app that was started there can be launched in every later boot, however
/// soon after its start.
void start_clocks_afresh() {
  UniqueFd before;
  // CLOCK_BOOTTIME is never the lower one, also where they are set a moment apart.
  constexpr int64_t kBehind = kSecond / 1000;
  if (!enter_time_namespace({kSecond, kSecond + kBehind}, before)) leave_time_namespace(before);
}

#ifdef SYS_setresuid32
constexpr long kSetGroups = SYS_setgroups32, kSetGroupIds = SYS_setresgid32,
               kSetUserIds = SYS_setresuid32;
#else
constexpr long kSetGroups = SYS_setgroups, kSetGroupIds = SYS_setresgid,
               kSetUserIds = SYS_setresuid;
#endif

/// Runs in the child, between fork and exec: system calls only. The name of the step that failed,
/// or null.
const char* set_up_child(const Request& request, const std::array<int, 3>& stdio) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < 32; ++number) signal(number, SIG_DFL);
  if (request.new_session || request.terminal) setsid();
  if (request.fresh_clocks) start_clocks_afresh();
  // Out of the way first: the sources may be 0, 1 or 2 themselves.
  int copies[3];
  for (int i = 0; i < 3; ++i)
    if ((copies[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10)) < 0)
      return "duplicate a standard descriptor";
  for (int i = 0; i < 3; ++i)
    if (dup2(copies[i], i) < 0) return "set a standard descriptor";
  if (request.terminal && ioctl(0, TIOCSCTTY, 0) != 0) return "take its terminal";
  if (request.user) {
    const auto& [uid, gid, groups] = *request.user;
    // Not by libc, which looks for the threads of the parent to change them, too.
    if (syscall(kSetGroups, groups.size(), groups.data()) != 0) return "set groups";
    if (syscall(kSetGroupIds, gid, gid, gid) != 0) return "set the group";
    if (syscall(kSetUserIds, uid, uid, uid) != 0) return "set the user";
  }
  if (!request.cwd.empty() && chdir(request.cwd.c_str()) != 0) return "enter the working directory";
  return nullptr;
}

/// Node raises its own limit of open files to the hard one, and a child would have it from there:
/// it gets what whoever started us has.
void lower_open_files(pid_t child) {
  const auto own = proc::read_own_given();
  if (!own) return;
  const auto& [soft, hard] = own.value().limits[RLIMIT_NOFILE];
  const rlimit limit = {static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
  prlimit(child, RLIMIT_NOFILE, &limit, nullptr);
}

/// What a child that could not execute its program writes to its parent.
struct Failure {
  int err;
  const char* step;
};

/// Ends when the parent closes the other end.
void wait_for_parent(int pipe_end) {
  char byte = 0;
  while (read(pipe_end, &byte, 1) < 0 && errno == EINTR) {
  }
}

/// Kernels before 5.11 and filters of system calls refuse close_range(2).
void close_on_exec_from(int first) {
  constexpr unsigned kCloseOnExec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
  if (syscall(SYS_close_range, first, ~0u, kCloseOnExec) == 0) return;
  rlimit most = {};
  if (getrlimit(RLIMIT_NOFILE, &most) != 0) return;
  const int end = static_cast<int>(std::min<rlim_t>(most.rlim_cur, 1 << 20));
  for (int fd = first; fd < end; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void run_child(const Request& request, const std::array<int, 3>& stdio,
                            char* const* argv, char* const* envp, int report, int go) {
  wait_for_parent(go);
  Failure failure = {0, set_up_child(request, stdio)};
  failure.err = errno;
  if (failure.step == nullptr) {
    close_on_exec_from(3);
    execve(request.program.path.c_str(), argv, envp);
    failure = {errno, "execute it"};
  }
  (void)!write(report, &failure, sizeof(failure));
  _exit(127);
}

Result<pid_t> fork_plain(Fork fork_child, const std::function<void()>& before,
                         const std::function<void()>& run) {
  const pid_t pid = fork_child();
  if (pid < 0) return errno_error("cannot fork");
  if (pid == 0) {
    before();
    run();
  }
  return pid;
}

}  // namespace

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

Result<pid_t> spawn(const Request& request) {
  const auto& [path, arguments, environment] = request.program;
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  THAW_ASSIGN(report, make_pipe());
  THAW_ASSIGN(go, make_pipe());
  THAW_ASSIGN(input, make_pipe());
  std::array<int, 3> stdio = request.stdio;
  if (request.open_input) stdio[0] = input.reader.get();
  Terminal terminal;
  if (request.terminal) {
    THAW_ASSIGN(made,
                make_terminal(request.user ? std::optional(request.user->uid) : std::nullopt));
    terminal = std::move(made);
    stdio.fill(terminal.slave.get());
  }
  auto given_stdio = proc::given_files(stdio);
  const auto leave_to_parent = [&] {
    go.writer.reset();
    input.writer.reset();
  };
  const auto run = [&] {
    run_child(request, stdio, argv.data(), envp.data(), report.writer.get(), go.reader.get());
  };
  const Fork fork_child = request.large_pid     ? fork_with_large_pid
                          : request.unusual_pid ? fork_with_unusual_pid
                                                : fork;
  THAW_ASSIGN(pid, request.kept ? fork_kept(fork_child, leave_to_parent, run)
                                : fork_plain(fork_child, leave_to_parent, run));
  report.writer.reset();
  terminal.slave.reset();
  if (request.terminal) THAW_TRY(copy_shown(std::move(terminal.master), request.stdio[1]));
  if (const auto keeper = keeper_of(pid)) keeper->input = std::move(input.writer);
  lower_open_files(pid);
  if (auto given = proc::read_given(pid)) {
    given.value().new_user = request.user.has_value();
    given.value().stdio = std::move(given_stdio);
    remember_given(pid, std::move(given.value()));
  }
  if (request.before_exec) request.before_exec(pid);
  go.writer.reset();
  if (request.on_exec) request.on_exec(pid);
  Failure failure = {0, nullptr};
  if (read(report.reader.get(), &failure, sizeof(failure)) != ssize_t{sizeof(failure)}) return pid;
  if (request.kept)
    end(pid);
  else
    waitpid(pid, nullptr, 0);
  return Error{failure.err, path + ": cannot " + failure.step};
}

}  // namespace thaw::spawn
