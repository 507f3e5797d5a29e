// thaw's adapter for Java: an agent of the JVM that calls for the checkpoint on a Java thread, and puts right in each launch
// what the JVM and the JDK have cached. See docs/adapters.md. Only `thaw build` loads it.
#include <dlfcn.h>
#include <semaphore.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "adapters/java/checkpoint.h"
#include "adapters/java/threads.h"
#include "support/app_call.h"

namespace thaw::java {

namespace {

constexpr const char* kOptions = "JAVA_TOOL_OPTIONS";
/// The end of what thaw has put before the profile's own options.
constexpr std::string_view kOwnOption = "thaw_java.so'";

constexpr jint kReferences = 64;  ///< a frame of them grows

Start start;
sem_t asked;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Strings split(const std::string& text) {
  Strings strings;
  for (size_t at = 0, end = 0; (end = text.find('\0', at)) != std::string::npos; at = end + 1)
    strings.push_back(text.substr(at, end - at));
  return strings;
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<char>(strtoul(text.substr(i, 2).c_str(), nullptr, 16)));
  return bytes;
}

/// The variable's value, which is gone from the environment afterwards.
std::string take(const char* name) {
  const char* value = getenv(name);
  std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

/// Leaves nothing of thaw's behind.
void clean_environment() {
  const std::string options = take(kOptions);
  const size_t own = options.find(kOwnOption);
  if (own == std::string::npos) return;
  const size_t rest = options.find_first_not_of(' ', own + kOwnOption.size());
  if (rest != std::string::npos) setenv(kOptions, options.c_str() + rest, 1);
}

void on_signal(int /* signal */) {
  sem_post(&asked);
}

/// Waits until thaw asks for the checkpoint, and calls for it.
void JNICALL run(jvmtiEnv* /* jvmti */, JNIEnv* env, void* /* data */) {
  while (sem_wait(&asked) != 0 && errno == EINTR) {
  }
  checkpoint(env, start);
}

/// jdk.crac.Core.checkpointRestore()
jstring JNICALL own_call(JNIEnv* env, jclass /* Core */) {
  if (start.socket.empty()) {
    env->ThrowNew(env->FindClass("java/lang/UnsupportedOperationException"),
                  "set until = { call = true } in the profile's [warmup]");
    return nullptr;
  }
  const std::string failure = checkpoint(env, start);
  return failure.empty() ? nullptr : env->NewStringUTF(failure.c_str());
}

bool jdk_has_crac(JNIEnv* env) {
  jclass type = env->FindClass("java/lang/Class");
  jmethodID for_name = env->GetStaticMethodID(
      type, "forName", "(Ljava/lang/String;ZLjava/lang/ClassLoader;)Ljava/lang/Class;");
  jstring name = env->NewStringUTF("jdk.crac.Core");
  return or_null(env, env->CallStaticObjectMethod(type, for_name, name, JNI_FALSE, nullptr)) !=
         nullptr;
}

/// The classes that the jar of org.crac looks for, which every loader finds. An opened jar would be in the image.
void define_crac(JNIEnv* env) {
  if (jdk_has_crac(env)) return;
  Dl_info self = {};
  dladdr(reinterpret_cast<void*>(run), &self);
  const std::string file = self.dli_fname;
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  // In this order: each needs those before it.
  for (const char* name : {"Resource", "Context", "CheckpointException", "RestoreException",
                           "GlobalContext", "Core"}) {
    const std::string path = std::string("jdk/crac/") + name;
    const std::string code = content(folder + path + ".class");
    jclass defined = or_null(
        env, env->DefineClass(path.c_str(), nullptr, reinterpret_cast<const jbyte*>(code.data()),
                              static_cast<jsize>(code.size())));
    if (defined == nullptr || std::string_view(name) != "Core") continue;
    JNINativeMethod native = {const_cast<char*>("checkpoint"),
                              const_cast<char*>("()Ljava/lang/String;"),
                              reinterpret_cast<void*>(own_call)};
    env->RegisterNatives(defined, &native, 1);
  }
  or_null(env, 0);
}

void JNICALL on_vm_init(jvmtiEnv* /* jvmti */, JNIEnv* env, jthread /* thread */) {
  define_crac(env);
  Arguments::watch_main();
  if (!start.socket.empty()) return;
  if (!start_thread(env, new_thread(env, "thaw"), run, nullptr)) return;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(THAW_SIGNAL, &action, nullptr);
}

bool prepare(JavaVM* vm) {
  if (vm->GetEnv(reinterpret_cast<void**>(&jvmti), JVMTI_VERSION_1_2) != JNI_OK) return false;
  jvmtiCapabilities wanted = {};
  wanted.can_suspend = 1;
  jvmtiEventCallbacks callbacks = {};
  callbacks.VMInit = on_vm_init;
  return jvmti->AddCapabilities(&wanted) == JVMTI_ERROR_NONE &&
         jvmti->SetEventCallbacks(&callbacks, sizeof(callbacks)) == JVMTI_ERROR_NONE &&
         jvmti->SetEventNotificationMode(JVMTI_ENABLE, JVMTI_EVENT_VM_INIT, nullptr) ==
             JVMTI_ERROR_NONE;
}

}  // namespace

}  // namespace thaw::java

/// A JVM calls it at its start. One that cannot do with the adapter starts without it.
extern "C" __attribute__((visibility("default"))) jint JNICALL Agent_OnLoad(JavaVM* vm,
                                                                            char* /* options */,
                                                                            void* /* reserved */) {
  using namespace thaw::java;
  clean_environment();
  start.answers = take("THAW_ADAPTER");
  start.key = from_hex(take("THAW_ADAPTER_KEY"));
  const char* socket = getenv("THAW_SOCKET");  // The app may have a call of its own (thaw.h).
  start.socket = socket == nullptr ? "" : socket;
  start.environment = libc_environment();
  start.command_line = split(content("/proc/self/cmdline"));
  sem_init(&asked, 0, 0);
  if (!start.answers.empty()) prepare(vm);
  return JNI_OK;
}
