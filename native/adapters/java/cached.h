// What the JVM and the classes of the JDK have cached: found before the checkpoint, put right in a
// launch. Java's methods are not called there,
// but for what is rare: their code is somewhere else in memory, and they take locks.
#pragma once

#include "adapters/java/jni_helpers.h"

namespace thaw::java {

/// Random generators. They are objects all over the heap.
class Generators {
 public:
  Generators(JNIEnv* env, const LoadedClasses& classes);
  void renew(JNIEnv* env) const;

  /// Those that cannot be put right, each class with how many objects it has.
  [[nodiscard]] const std::string& others() const { return others_; }

 private:
  enum class Kind : uint8_t { random, splittable, native, sha1, drbg, other };
  struct Type {
    std::string type;
    jclass object;
    Kind kind;
    jint count;
  };
  /// A field of a long that is to be another number.
  struct Seed {
    jobject object;
    jfieldID field;
  };
  struct Value {
    jobject object;
    jfieldID field;
    jint value;
  };

  void add_atomic(JNIEnv* env, jobject atomic);
  void add_seeders(JNIEnv* env, const LoadedClasses& classes);
  void add_threads(JNIEnv* env);
  static std::vector<Type> types_of(JNIEnv* env, const LoadedClasses& classes);
  void add_objects(JNIEnv* env, jvmtiEnv* tags, std::vector<Type>& types);
  void add(JNIEnv* env, jobject object, const Type& type);
  void name_others(const std::vector<Type>& types);

  std::vector<Seed> seeds_;
  std::vector<Value> values_;
  std::vector<jobject> gaussians_;  ///< may have the second number of a pair
  std::vector<Seed> hashes_;        ///< the object's array of bytes
  std::string others_;
  jclass rmi_ids_ = nullptr;
  jfieldID gaussian_ = nullptr, rmi_set_ = nullptr;
};

/// ProcessHandle.current().
class Pid {
 public:
  Pid(JNIEnv* env, const LoadedClasses& classes);
  void renew(JNIEnv* env);

 private:
  jclass handle_ = nullptr;
  jobject current_ = nullptr;
  jfieldID pid_ = nullptr, start_ = nullptr;
  jmethodID start_of_ = nullptr;
};

/// TimeZone.getDefault(), if it goes by TZ.
class Zone {
 public:
  Zone(JNIEnv* env, const LoadedClasses& classes);
  void renew(JNIEnv* env, bool rehearsal);

 private:
  jclass zone_ = nullptr, system_ = nullptr;
  jfieldID default_ = nullptr;
  jmethodID clear_ = nullptr, get_default_ = nullptr;
  jstring property_ = nullptr;
  std::string variable_;
};

/// Forgets the addresses that were looked up. Nothing looks up others before a launch.
void forget_addresses(JNIEnv* env, const LoadedClasses& classes);

}  // namespace thaw::java
