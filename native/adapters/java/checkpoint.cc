#include "adapters/java/checkpoint.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "adapters/java/cached.h"
#include "adapters/java/threads.h"
#include "support/app_call.h"

namespace thaw::java {

namespace {

constexpr uint32_t kLimitMs = 10'000;
constexpr uint8_t kChangedBy = 0x5a;  ///< each byte of the key, in the mark
constexpr int kTries = 2;

/// It stays where it is. thaw finds it by the mark.
struct Record {
  thaw_call call;
  uint8_t mark[64];
} record;

Strings strings_at(uint64_t address, uint64_t size) {
  Strings strings;
  const auto* text = reinterpret_cast<const char*>(static_cast<uintptr_t>(address));
  for (const char* end = text + size; text < end; text += strings.back().size() + 1)
    strings.emplace_back(text);
  return strings;
}

void say(const std::string& what) {
  const std::string line = "thaw: " + what + "\n";
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // Nobody to tell.
}

/// The global context of jdk.crac, if the app has used it.
class Hooks {
 public:
  Hooks(JNIEnv* env, const LoadedClasses& classes) : env_(env) {
    jclass core = classes.find("Ljdk/crac/Core;"), context = classes.find("Ljdk/crac/Context;");
    if (core == nullptr || context == nullptr) return;
    jmethodID get =
        or_null(env, env->GetStaticMethodID(core, "getGlobalContext", "()Ljdk/crac/Context;"));
    if (get != nullptr) global_ = env->CallStaticObjectMethod(core, get);
    before_ = or_null(env, env->GetMethodID(context, "beforeCheckpoint", kNotify));
    after_ = or_null(env, env->GetMethodID(context, "afterRestore", kNotify));
  }

  /// What a resource has thrown; empty: nothing.
  std::string before() { return notify(before_); }
  std::string after() { return notify(after_); }

 private:
  static constexpr const char* kNotify = "(Ljdk/crac/Context;)V";

  std::string notify(jmethodID all) {
    if (global_ == nullptr || all == nullptr) return {};
    env_->CallVoidMethod(global_, all, nullptr);
    jthrowable exception = env_->ExceptionOccurred();
    if (exception == nullptr) return {};
    env_->ExceptionDescribe();  // To where the app writes its errors. It is forgotten then.
    env_->Throw(exception);
    return thrown(env_);
  }

  JNIEnv* env_;
  jobject global_ = nullptr;
  jmethodID before_ = nullptr, after_ = nullptr;
};

/// All that is put right.
class Cached {
 public:
  Cached(JNIEnv* env, const LoadedClasses& classes, const Start& start)
      : env_(env),
        start_(start),
        environment_(env, classes, start.environment),
        arguments_(env, start.command_line),
        pid_(env, classes),
        zone_(env, classes),
        generators_(env, classes) {}

  [[nodiscard]] const std::string& unmended() const { return generators_.others(); }

  /// With what the app has already, so that a launch finds all that it needs loaded.
  std::string rehearse() { return renew(start_.command_line, start_.environment, true); }

  std::string launch() {
    const thaw_call& call = record.call;
    return renew(strings_at(call.arguments, call.arguments_size),
                 strings_at(call.environment, call.environment_size), false);
  }

 private:
  std::string renew(const Strings& arguments, const Strings& environment, bool rehearsal) {
    std::string failure = arguments_.deliver(env_, arguments);
    if (!failure.empty()) return failure;
    environment_.deliver(env_, environment, rehearsal);
    pid_.renew(env_);
    zone_.renew(env_, rehearsal);
    generators_.renew(env_);
    return thrown(env_);
  }

  JNIEnv* env_;
  const Start& start_;
  Environment environment_;
  Arguments arguments_;
  Pid pid_;
  Zone zone_;
  Generators generators_;
};

/// False where thaw no longer listens.
bool answer(const Start& start, const std::string& text) {
  const std::string file = start.answers + "/new";
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return written && rename(file.c_str(), (start.answers + "/answer").c_str()) == 0;
}

/// Where the record is, as thaw_checkpoint() tells it; 0: there will be no checkpoint.
bool tell_address(const std::string& path, const thaw_call* call) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  path.copy(address.sun_path, path.size());
  char message[64];
  const auto where = static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(call));
  const int size = snprintf(message, sizeof(message), "THAW_CALL=0x%llx\n", where);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const ssize_t sent = sendto(fd, message, static_cast<size_t>(size), MSG_NOSIGNAL,
                              reinterpret_cast<sockaddr*>(&address), sizeof(address));
  close(fd);
  return sent == size;
}

/// An app that called by itself is told by what the call throws; thaw only learns of it.
bool tell_failure(const Start& start, const std::string& failure) {
  return start.socket.empty() ? answer(start, failure) : tell_address(start.socket, nullptr);
}

bool tell_waiting(const Start& start, const std::string& unmended) {
  if (!start.socket.empty()) return tell_address(start.socket, &record.call);
  for (size_t i = 0; i < start.key.size() && i < sizeof(record.mark); ++i)
    record.mark[i] = static_cast<uint8_t>(start.key[i]) ^ kChangedBy;
  return answer(start, "waiting\n" + unmended);
}

void wait_for_checkpoint() {
  uint32_t* state = &record.call.state;
  while (__atomic_load_n(state, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, state, FUTEX_WAIT, 0, nullptr, nullptr, 0);
}

/// The launch has set a timer that raises THAW_SIGNAL, and its handler: it starts the program cold unless
/// all is well.
void finish(const std::string& failure) {
  if (failure.empty())
    __atomic_store_n(&record.call.state, uint32_t{THAW_DONE}, __ATOMIC_RELEASE);
  else
    say(failure);
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, THAW_SIGNAL);
  pthread_sigmask(SIG_UNBLOCK, &signals, &before);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), THAW_SIGNAL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// All that a launch needs, which stays in memory: a launch does not wait for it to be freed.
struct Prepared {
  std::string failure;  ///< empty: there is none
  Cached* cached = nullptr;
  Hooks* hooks = nullptr;
};

/// Afterwards the other threads are stopped, unless it has failed. What is found is right only as long as
/// nothing else runs: it is found anew in each try.
Prepared prepared(JNIEnv* env, const Start& start, OtherThreads& others) {
  const LoadedClasses classes(env);  // Hooks may have had more loaded.
  Prepared result;
  result.hooks = new Hooks(env, classes);
  for (int i = 0; i < kTries; ++i) {
    const bool in_time = others.stopped_for([&] {
      delete result.cached;
      result.cached = new Cached(env, classes, start);
      result.failure = result.cached->rehearse();
      forget_addresses(env, classes);
    });
    if (in_time && result.failure.empty()) return result;
    others.resume();
    if (in_time) return result;
  }
  result.failure = "one of the app's threads holds a lock that a launch needs";
  return result;
}

/// A launch: the app goes on when all that is cached is right, and its hooks run beside it.
void launched(const Prepared& prepared, OtherThreads& others) {
  std::string failure = prepared.cached->launch();
  if (failure.empty()) others.resume();
  if (failure.empty()) failure = prepared.hooks->after();
  finish(failure);
}

}  // namespace

std::string checkpoint(JNIEnv* env, const Start& start) {
  OtherThreads others(env);
  Prepared ready = {.failure = Hooks(env, LoadedClasses(env)).before()};
  if (ready.failure.empty()) ready = prepared(env, start, others);
  if (!ready.failure.empty() || ready.cached == nullptr) {
    tell_failure(start, "before the checkpoint: " + ready.failure);
    return ready.failure;
  }
  record.call.limit = kLimitMs;
  if (!tell_waiting(start, ready.cached->unmended())) {
    others.resume();
    return "nobody asks for a checkpoint any more";
  }
  wait_for_checkpoint();
  if (record.call.state == THAW_RESTORED) {
    launched(ready, others);
    return {};
  }
  others.resume();
  return ready.hooks->after();
}

}  // namespace thaw::java
