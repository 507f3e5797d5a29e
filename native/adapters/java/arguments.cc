#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstring>

#include "adapters/java/delivered.h"

namespace thaw::java {

namespace {

/// As long as main() has not been called.
jniNativeInterface* original = nullptr;
jobjectArray mains = nullptr;  ///< a global reference

bool is_main(jmethodID method) {
  char *name = nullptr, *type = nullptr;
  if (jvmti->GetMethodName(method, &name, &type, nullptr) != JVMTI_ERROR_NONE) return false;
  const bool main = strcmp(name, "main") == 0 && strcmp(type, "([Ljava/lang/String;)V") == 0;
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(name));
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(type));
  return main;
}

/// Stands in for the JNI function of this name, by which `java` calls main().
void JNICALL call_static_void_method(JNIEnv* env, jclass in, jmethodID method, ...) {
  va_list words;
  va_start(words, method);
  if (is_main(method)) {
    va_list copy;
    va_copy(copy, words);
    mains = static_cast<jobjectArray>(env->NewGlobalRef(va_arg(copy, jobject)));
    va_end(copy);
    jvmti->SetJNIFunctionTable(original);
  }
  env->CallStaticVoidMethodV(in, method, words);
  va_end(words);
}

}  // namespace

void Arguments::watch_main() {
  jniNativeInterface* changed = nullptr;
  if (jvmti->GetJNIFunctionTable(&original) != JVMTI_ERROR_NONE ||
      jvmti->GetJNIFunctionTable(&changed) != JVMTI_ERROR_NONE)
    return;
  changed->CallStaticVoidMethod = call_static_void_method;
  jvmti->SetJNIFunctionTable(changed);
}

Arguments::Arguments(JNIEnv* env, const Strings& command_line) : command_line_(command_line) {
  if (mains == nullptr) return;
  size_ = static_cast<size_t>(env->GetArrayLength(mains));
  if (size_ >= command_line_.size()) return;  // Of a file of arguments (@argfile).
  jmethodID equals =
      env->GetMethodID(env->FindClass("java/lang/Object"), "equals", "(Ljava/lang/Object;)Z");
  for (size_t i = 0; i < size_; ++i) {
    jobject element = env->GetObjectArrayElement(mains, static_cast<jsize>(i));
    const std::string& word = command_line_[command_line_.size() - size_ + i];
    if (element == nullptr ||
        env->CallBooleanMethod(element, equals, decoded(env, word)) != JNI_TRUE)
      return;
  }
  array_ = mains;
}

std::string Arguments::deliver(JNIEnv* env, const Strings& callers) {
  if (callers.empty() || std::equal(callers.begin() + 1, callers.end(), command_line_.begin() + 1,
                                    command_line_.end()))
    return {};
  const size_t fixed = command_line_.size() - size_;
  if (callers.size() < fixed ||
      !std::equal(callers.begin() + 1, callers.begin() + static_cast<ptrdiff_t>(fixed),
                  command_line_.begin() + 1))
    return "the image is of another class, or of other options for Java";
  if (array_ == nullptr) return "the array of main's arguments is not known, or was changed";
  if (callers.size() != command_line_.size())
    return "main() was given another number of arguments at the build, and its array cannot grow";
  for (size_t i = 0; i < size_; ++i)
    env->SetObjectArrayElement(array_, static_cast<jsize>(i), decoded(env, callers[fixed + i]));
  return {};
}

}  // namespace thaw::java
