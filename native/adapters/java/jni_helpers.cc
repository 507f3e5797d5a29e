#include "adapters/java/jni_helpers.h"

#include <algorithm>

namespace thaw::java {

jvmtiEnv* jvmti = nullptr;

namespace {

std::string text_of(JNIEnv* env, jstring string) {
  if (string == nullptr) return {};
  const char* characters = env->GetStringUTFChars(string, nullptr);
  if (characters == nullptr) return {};
  std::string text = characters;
  env->ReleaseStringUTFChars(string, characters);
  return text;
}

/// What hooks have thrown is suppressed in one exception: the first of them tells most.
jobject most_telling(JNIEnv* env, jthrowable exception) {
  jclass throwable = env->FindClass("java/lang/Throwable");
  jmethodID suppressed = env->GetMethodID(throwable, "getSuppressed", "()[Ljava/lang/Throwable;");
  auto all = static_cast<jobjectArray>(env->CallObjectMethod(exception, suppressed));
  if (all == nullptr || env->GetArrayLength(all) == 0) return exception;
  return env->GetObjectArrayElement(all, 0);
}

}  // namespace

std::string thrown(JNIEnv* env) {
  jthrowable exception = env->ExceptionOccurred();
  if (exception == nullptr) return {};
  env->ExceptionClear();
  jmethodID to_string =
      env->GetMethodID(env->FindClass("java/lang/Object"), "toString", "()Ljava/lang/String;");
  std::string text = text_of(
      env, static_cast<jstring>(env->CallObjectMethod(most_telling(env, exception), to_string)));
  env->ExceptionClear();
  return text.empty() ? "an exception" : text;
}

jbyteArray byte_array(JNIEnv* env, std::string_view bytes) {
  const auto size = static_cast<jsize>(bytes.size());
  jbyteArray array = or_null(env, env->NewByteArray(size));
  if (array != nullptr)
    env->SetByteArrayRegion(array, 0, size, reinterpret_cast<const jbyte*>(bytes.data()));
  return array;
}

std::string bytes_of(JNIEnv* env, jbyteArray array) {
  std::string bytes(static_cast<size_t>(env->GetArrayLength(array)), '\0');
  env->GetByteArrayRegion(array, 0, static_cast<jsize>(bytes.size()),
                          reinterpret_cast<jbyte*>(bytes.data()));
  return bytes;
}

jstring decoded(JNIEnv* env, const std::string& bytes) {
  const bool ascii = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > 0; });
  if (ascii) return or_null(env, env->NewStringUTF(bytes.c_str()));
  jclass system = env->FindClass("java/lang/System"), string = env->FindClass("java/lang/String");
  jmethodID property =
      env->GetStaticMethodID(system, "getProperty", "(Ljava/lang/String;)Ljava/lang/String;");
  jobject encoding = or_null(
      env, env->CallStaticObjectMethod(system, property, env->NewStringUTF("sun.jnu.encoding")));
  jmethodID make = env->GetMethodID(string, "<init>", "([BLjava/lang/String;)V");
  return static_cast<jstring>(
      or_null(env, env->NewObject(string, make, byte_array(env, bytes), encoding)));
}

LoadedClasses::LoadedClasses(JNIEnv* env) {
  jint count = 0;
  jclass* classes = nullptr;
  if (jvmti->GetLoadedClasses(&count, &classes) != JVMTI_ERROR_NONE) return;
  for (jint i = 0; i < count; ++i) {
    jint status = 0;
    char* type = nullptr;
    jobject loader = nullptr;
    if (jvmti->GetClassStatus(classes[i], &status) == JVMTI_ERROR_NONE &&
        (status & JVMTI_CLASS_STATUS_INITIALIZED) != 0 &&
        jvmti->GetClassSignature(classes[i], &type, nullptr) == JVMTI_ERROR_NONE &&
        jvmti->GetClassLoader(classes[i], &loader) == JVMTI_ERROR_NONE)
      all_.push_back({type, classes[i], loader == nullptr});
    else
      env->DeleteLocalRef(classes[i]);
    if (loader != nullptr) env->DeleteLocalRef(loader);
    if (type != nullptr) jvmti->Deallocate(reinterpret_cast<unsigned char*>(type));
  }
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(classes));
}

jclass LoadedClasses::find(std::string_view type) const {
  for (const One& one : all_)
    if (one.of_jdk && one.type == type) return one.object;
  return nullptr;
}

}  // namespace thaw::java
