// JNI, where a class, field or method that another JDK has not is no error. All names and types are
// JNI's: "Ljava/util/Random;" is the type of java.util.Random.
#pragma once

#include <jni.h>
#include <jvmti.h>

#include <string>
#include <string_view>
#include <vector>

namespace thaw::java {

/// The JVM's, which there is one of in a process.
extern jvmtiEnv* jvmti;

/// `value`, or null where getting it threw something, which is forgotten.
template <typename T>
T or_null(JNIEnv* env, T value) {
  if (!env->ExceptionCheck()) return value;
  env->ExceptionClear();
  return T{};
}

inline jfieldID field_of(JNIEnv* env, jclass in, const char* name, const char* type) {
  return or_null(env, env->GetFieldID(in, name, type));
}

inline jfieldID static_field_of(JNIEnv* env, jclass in, const char* name, const char* type) {
  return or_null(env, env->GetStaticFieldID(in, name, type));
}

/// A class of the JDK's core, which every JVM has.
inline jclass core_class(JNIEnv* env, const char* name) {
  return or_null(env, env->FindClass(name));
}

/// What was thrown, as text; nothing is pending afterwards. Empty: nothing was.
std::string thrown(JNIEnv* env);

/// Bytes as the JVM decodes those of arguments. Null if it cannot.
jstring decoded(JNIEnv* env, const std::string& bytes);

jbyteArray byte_array(JNIEnv* env, std::string_view bytes);

std::string bytes_of(JNIEnv* env, jbyteArray array);

/// Classes of the JDK that are ready for use, so that they may have cached something.
class LoadedClasses {
 public:
  explicit LoadedClasses(JNIEnv* env);

  struct One {
    std::string type;
    jclass object;
    bool of_jdk;  ///< of the boot loader
  };

  [[nodiscard]] const std::vector<One>& all() const { return all_; }

  /// The JDK's class of this type; null if it was not needed so far.
  [[nodiscard]] jclass find(std::string_view type) const;

 private:
  std::vector<One> all_;
};

}  // namespace thaw::java
