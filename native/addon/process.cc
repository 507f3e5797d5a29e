// Processes: spawn, wait and exec. Node's own child_process reaps children of its own accord, which
// would take the ptrace stops of a checkpoint; these children are ours alone.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon/addon.h"
#include "addon/fault_recorder.h"
#include "exec/store.h"
#include "launch/prepare/time_namespace.h"
#include "support/unique_fd.h"

namespace thaw::addon {
namespace {

struct Spawn {
  std::string program, cwd;
  std::vector<std::string> arguments, environment;
  int stdio[3] = {0, 1, 2};
  bool new_session = false;
  bool fresh_clocks = false;
  training::FaultRecorder* faults = nullptr;
  bool change_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

Spawn parse(const Napi::Object& options) {
  Spawn spawn;
  spawn.program = string_option(options, "program");
  spawn.cwd = string_option(options, "cwd");
  spawn.arguments = strings_option(options, "args");
  spawn.environment = strings_option(options, "env");
  spawn.new_session = bool_option(options, "setsid");
  spawn.fresh_clocks = bool_option(options, "freshClocks");
  if (const Napi::Value stdio = options.Get("stdio"); stdio.IsArray())
    for (uint32_t i = 0; i < 3; ++i)
      spawn.stdio[i] = stdio.As<Napi::Array>().Get(i).ToNumber().Int32Value();
  if (const Napi::Value faults = options.Get("faults"); faults.IsExternal())
    spawn.faults = fault_recorder_of(faults);
  const Napi::Value user = options.Get("user");
  if (!user.IsObject()) return spawn;
  spawn.change_user = true;
  const auto object = user.As<Napi::Object>();
  spawn.uid = object.Get("uid").ToNumber().Uint32Value();
  spawn.gid = object.Get("gid").ToNumber().Uint32Value();
  for (const std::string& group : strings_option(object, "groups"))
    spawn.groups.push_back(static_cast<gid_t>(std::stoul(group)));
  return spawn;
}

/// Runs in the child, between fork and exec: system calls only. The name of the step that failed,
/// or null.
const char* set_up_child(const Spawn& spawn) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < 32; ++number) signal(number, SIG_DFL);
  if (spawn.new_session) setsid();
  if (spawn.fresh_clocks) launch::start_clocks_afresh();
  // Out of the way first: the sources may be 0, 1 or 2 themselves.
  int copies[3];
  for (int i = 0; i < 3; ++i)
    if ((copies[i] = fcntl(spawn.stdio[i], F_DUPFD_CLOEXEC, 10)) < 0)
      return "duplicate a standard descriptor";
  for (int i = 0; i < 3; ++i)
    if (dup2(copies[i], i) < 0) return "set a standard descriptor";
  if (spawn.change_user) {
    if (setgroups(spawn.groups.size(), spawn.groups.data()) != 0) return "set groups";
    if (setresgid(spawn.gid, spawn.gid, spawn.gid) != 0) return "set the group";
    if (setresuid(spawn.uid, spawn.uid, spawn.uid) != 0) return "set the user";
  }
  if (!spawn.cwd.empty() && chdir(spawn.cwd.c_str()) != 0) return "enter the working directory";
  return nullptr;
}

struct Pipe {
  UniqueFd reader, writer;
};

Pipe make_pipe(Napi::Env env) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw to_js(env, errno_error("cannot make a pipe"));
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

struct ChildError {
  int err;
  const char* step;
};

/// Ends when the parent closes the other end.
void wait_for_parent(int pipe_end) {
  char byte = 0;
  while (read(pipe_end, &byte, 1) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void run_child(const Spawn& spawn, char* const* argv, char* const* envp, int report,
                            int go) {
  wait_for_parent(go);
  ChildError error = {0, set_up_child(spawn)};
  error.err = errno;
  if (error.step == nullptr) {
    syscall(SYS_close_range, 3, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */);
    execve(spawn.program.c_str(), argv, envp);
    error = {errno, "execute it"};
  }
  (void)!write(report, &error, sizeof(error));
  _exit(127);
}

/// waitid on a pidfd in a worker thread: never takes the ptrace stops of another child or of this
/// one.
class WaitWorker : public Napi::AsyncWorker {
 public:
  WaitWorker(Napi::Env env, pid_t pid)
      : AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), pid_(pid) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    if (!pidfd.valid()) return SetError("there is no child process " + std::to_string(pid_));
    pollfd poller = {pidfd.get(), POLLIN, 0};
    while (poll(&poller, 1, -1) < 0 && errno == EINTR) {
    }
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0)
      return SetError("process " + std::to_string(pid_) + " is no child of this process");
    exited_ = info.si_code == CLD_EXITED;
    status_ = info.si_status;
  }
  void OnOK() override {
    Napi::Object result = Napi::Object::New(Env());
    const Napi::Value status = Napi::Number::New(Env(), status_);
    result.Set("code", exited_ ? status : Env().Null());
    result.Set("signal", exited_ ? Env().Null() : status);
    deferred_.Resolve(result);
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  pid_t pid_;
  bool exited_ = false;
  int status_ = 0;
};

}  // namespace

Napi::Value spawn(const Napi::CallbackInfo& info) {
  Spawn spawn = parse(info[0].As<Napi::Object>());
  const std::vector<char*> argv = pointers(spawn.arguments), envp = pointers(spawn.environment);
  Pipe report = make_pipe(info.Env()), go = make_pipe(info.Env());
  const pid_t pid = fork();
  if (pid < 0) throw to_js(info.Env(), errno_error("cannot fork"));
  if (pid == 0) {
    go.writer.reset();
    run_child(spawn, argv.data(), envp.data(), report.writer.get(), go.reader.get());
  }
  report.writer.reset();
  // Where the kernel does not let us, the order of use stays unknown.
  if (spawn.faults != nullptr) (void)spawn.faults->attach(pid).ok();
  go.writer.reset();
  ChildError error = {0, nullptr};
  if (read(report.reader.get(), &error, sizeof(error)) == ssize_t{sizeof(error)}) {
    waitpid(pid, nullptr, 0);
    throw to_js(info.Env(), Error{error.err, spawn.program + ": cannot " + error.step});
  }
  return Napi::Number::New(info.Env(), pid);
}

Napi::Value wait(const Napi::CallbackInfo& info) {
  auto* worker = new WaitWorker(info.Env(), info[0].ToNumber().Int32Value());
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Value exec(const Napi::CallbackInfo& info) {
  const std::string program = info[0].ToString();
  auto strings = [](const Napi::Value& value) {
    std::vector<std::string> result;
    const auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(array.Get(i).ToString());
    return result;
  };
  std::vector<std::string> arguments = strings(info[1]), environment = strings(info[2]);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  for (int i = 0; i < 3; ++i) {
    // As Node found them: it makes all descriptors close-on-exec when it starts.
    fcntl(i, F_SETFL, fcntl(i, F_GETFL) & ~O_NONBLOCK);
    fcntl(i, F_SETFD, 0);
  }
  if (info[3].IsArray())
    for (const std::string& inherited : strings(info[3])) fcntl(std::stoi(inherited), F_SETFD, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);  // Node ignores it, and exec would pass that on.
  execve(program.c_str(), argv.data(), envp.data());
  throw to_js(info.Env(), errno_error("cannot execute " + program));
}

Napi::Value launch_key(const Napi::CallbackInfo& info) {
  const std::string program = info[0].ToString();
  if (info[1].IsNull())
    return Napi::String::New(info.Env(), exec::any_arguments_key(program.c_str()));
  std::vector<std::string> arguments = {program};
  const auto array = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) arguments.push_back(array.Get(i).ToString());
  const std::vector<char*> argv = pointers(arguments);
  return Napi::String::New(info.Env(), exec::launch_key(program.c_str(), argv.data()));
}

}  // namespace thaw::addon
