#include "adapters/java/cached.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace thaw::java {

Pid::Pid(JNIEnv* env, const LoadedClasses& classes) {
  handle_ = classes.find("Ljava/lang/ProcessHandleImpl;");
  if (handle_ == nullptr) return;
  jfieldID current = static_field_of(env, handle_, "current", "Ljava/lang/ProcessHandleImpl;");
  if (current != nullptr) current_ = env->GetStaticObjectField(handle_, current);
  pid_ = field_of(env, handle_, "pid", "J");
  start_ = field_of(env, handle_, "startTime", "J");
  start_of_ = or_null(env, env->GetStaticMethodID(handle_, "isAlive0", "(J)J"));
}

void Pid::renew(JNIEnv* env) {
  if (current_ == nullptr || pid_ == nullptr) return;
  const jlong pid = getpid();
  env->SetLongField(current_, pid_, pid);
  // By its start it tells itself from a later process of that number.
  if (start_ != nullptr && start_of_ != nullptr)
    env->SetLongField(current_, start_, env->CallStaticLongMethod(handle_, start_of_, pid));
}

namespace {

/// The value of the property that the app was started with (-D).
bool is_given(const char* property) {
  char* value = nullptr;
  if (jvmti->GetSystemProperty(property, &value) != JVMTI_ERROR_NONE) return false;
  const bool given = value[0] != '\0';
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(value));
  return given;
}

std::string variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : std::string("=") + value;
}

}  // namespace

Zone::Zone(JNIEnv* env, const LoadedClasses& classes) {
  jclass zone = classes.find("Ljava/util/TimeZone;");
  if (zone == nullptr || is_given("user.timezone")) return;
  default_ = static_field_of(env, zone, "defaultTimeZone", "Ljava/util/TimeZone;");
  if (default_ == nullptr) return;
  jobject used = env->GetStaticObjectField(zone, default_);
  if (used == nullptr) return;

  // TimeZone keeps the name of what it has found in a property; TimeZone.setDefault() does not.
  system_ = env->FindClass("java/lang/System");
  property_ = env->NewStringUTF("user.timezone");
  jmethodID get =
      env->GetStaticMethodID(system_, "getProperty", "(Ljava/lang/String;)Ljava/lang/String;");
  jmethodID id = env->GetMethodID(zone, "getID", "()Ljava/lang/String;");
  jmethodID equals =
      env->GetMethodID(env->FindClass("java/lang/Object"), "equals", "(Ljava/lang/Object;)Z");
  jobject name = env->CallObjectMethod(used, id);
  jobject found = env->CallStaticObjectMethod(system_, get, property_);
  if (name == nullptr || env->CallBooleanMethod(name, equals, found) != JNI_TRUE) return;

  clear_ =
      env->GetStaticMethodID(system_, "clearProperty", "(Ljava/lang/String;)Ljava/lang/String;");
  get_default_ = env->GetStaticMethodID(zone, "getDefault", "()Ljava/util/TimeZone;");
  variable_ = variable("TZ");
  zone_ = zone;
}

void Zone::renew(JNIEnv* env, bool rehearsal) {
  if (!rehearsal && variable("TZ") == variable_) return;
  tzset();
  if (zone_ == nullptr) return;
  env->CallStaticObjectMethod(system_, clear_, property_);
  env->SetStaticObjectField(zone_, default_, nullptr);
  if (rehearsal) env->CallStaticObjectMethod(zone_, get_default_);
}

void forget_addresses(JNIEnv* env, const LoadedClasses& classes) {
  jclass address = classes.find("Ljava/net/InetAddress;");
  if (address == nullptr) return;
  const auto clear = [&](const char* name, const char* type, const char* interface) {
    jfieldID field = static_field_of(env, address, name, type);
    if (field == nullptr) return;
    jmethodID method = env->GetMethodID(env->FindClass(interface), "clear", "()V");
    env->CallVoidMethod(env->GetStaticObjectField(address, field), method);
  };
  clear("cache", "Ljava/util/concurrent/ConcurrentMap;", "java/util/Map");
  clear("expirySet", "Ljava/util/NavigableSet;", "java/util/Collection");
  jfieldID local_host =
      static_field_of(env, address, "cachedLocalHost", "Ljava/net/InetAddress$CachedLocalHost;");
  if (local_host != nullptr) env->SetStaticObjectField(address, local_host, nullptr);
}

}  // namespace thaw::java
