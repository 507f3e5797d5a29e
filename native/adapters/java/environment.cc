#include <unistd.h>

#include <cstdlib>

#include "adapters/java/delivered.h"

namespace thaw::java {

Strings libc_environment() {
  Strings entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries.emplace_back(*entry);
  return entries;
}

/// Of a variable that is there twice, the first is what getenv(3) finds.
Environment::Variables Environment::parse(const Strings& entries) {
  Variables variables;
  for (const std::string& entry : entries) {
    const size_t sign = entry.find('=');
    if (sign != 0 && sign != std::string::npos)
      variables.emplace(entry.substr(0, sign), entry.substr(sign + 1));
  }
  return variables;
}

Environment::Own::Own(const Variables& first, const Variables& now) {
  for (const auto& [name, value] : now)
    if (const auto was = first.find(name); was == first.end() || was->second != value)
      set[name] = value;
  for (const auto& [name, value] : first)
    if (!now.contains(name)) removed.push_back(name);
}

void Environment::Own::apply(Variables& to) const {
  for (const auto& [name, value] : set) to[name] = value;
  for (const std::string& name : removed) to.erase(name);
}

Environment::Environment(JNIEnv* env, const LoadedClasses& classes, const Strings& first)
    : first_(parse(first)),
      libc_own_(first_, parse(libc_environment())),
      java_own_(first_, first_) {
  jclass environment = classes.find("Ljava/lang/ProcessEnvironment;");
  name_class_ = classes.find("Ljava/lang/ProcessEnvironment$Variable;");
  value_class_ = classes.find("Ljava/lang/ProcessEnvironment$Value;");
  if (environment == nullptr || name_class_ == nullptr || value_class_ == nullptr) return;
  jfieldID field = static_field_of(env, environment, "theEnvironment", "Ljava/util/HashMap;");
  name_ = or_null(env, env->GetStaticMethodID(name_class_, "valueOf",
                                              "([B)Ljava/lang/ProcessEnvironment$Variable;"));
  value_ = or_null(env, env->GetStaticMethodID(value_class_, "valueOf",
                                               "([B)Ljava/lang/ProcessEnvironment$Value;"));
  if (field == nullptr || name_ == nullptr || value_ == nullptr) return;
  jclass map = env->FindClass("java/util/HashMap");
  clear_ = env->GetMethodID(map, "clear", "()V");
  put_ = env->GetMethodID(map, "put", "(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;");
  map_ = env->GetStaticObjectField(environment, field);
  last_ = of_java(env);
  java_own_ = Own(first_, last_);
}

/// The bytes of each name and value, which Java keeps beside their text.
Environment::Variables Environment::of_java(JNIEnv* env) {
  Variables variables;
  jclass map = env->FindClass("java/util/Map"), collection = env->FindClass("java/util/Collection"),
         entry = env->FindClass("java/util/Map$Entry");
  jmethodID entry_set = env->GetMethodID(map, "entrySet", "()Ljava/util/Set;"),
            to_array = env->GetMethodID(collection, "toArray", "()[Ljava/lang/Object;"),
            key = env->GetMethodID(entry, "getKey", "()Ljava/lang/Object;"),
            value = env->GetMethodID(entry, "getValue", "()Ljava/lang/Object;");
  jfieldID name_bytes = field_of(env, name_class_, "bytes", "[B"),
           value_bytes = field_of(env, value_class_, "bytes", "[B");
  auto entries = static_cast<jobjectArray>(
      env->CallObjectMethod(env->CallObjectMethod(map_, entry_set), to_array));
  for (jsize i = 0; i < env->GetArrayLength(entries); ++i) {
    jobject one = env->GetObjectArrayElement(entries, i);
    const auto text = [&](jmethodID part, jfieldID bytes) {
      jobject object = env->CallObjectMethod(one, part);
      return bytes_of(env, static_cast<jbyteArray>(env->GetObjectField(object, bytes)));
    };
    variables[text(key, name_bytes)] = text(value, value_bytes);
  }
  return variables;
}

void Environment::deliver(JNIEnv* env, const Strings& callers, bool rehearsal) {
  Variables wanted = parse(callers), for_java = wanted;
  libc_own_.apply(wanted);
  deliver_to_libc(wanted);
  java_own_.apply(for_java);
  if (map_ != nullptr && (rehearsal || for_java != last_)) deliver_to_java(env, for_java);
}

/// Nothing is assumed of what libc has by now.
void Environment::deliver_to_libc(const Variables& wanted) {
  for (const auto& [name, value] : wanted) {
    const char* now = getenv(name.c_str());
    if (now == nullptr || value != now) setenv(name.c_str(), value.c_str(), 1);
  }
  for (const auto& [name, value] : first_)
    if (!wanted.contains(name)) unsetenv(name.c_str());
}

/// The map is the same as before: whoever holds it sees the new variables.
void Environment::deliver_to_java(JNIEnv* env, const Variables& wanted) {
  env->CallVoidMethod(map_, clear_);
  for (const auto& [name, value] : wanted) {
    jobject key = env->CallStaticObjectMethod(name_class_, name_, byte_array(env, name));
    jobject text = env->CallStaticObjectMethod(value_class_, value_, byte_array(env, value));
    env->CallObjectMethod(map_, put_, key, text);
  }
  last_ = wanted;
}

}  // namespace thaw::java
