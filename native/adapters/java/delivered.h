// What a launch delivers of its caller: variables and arguments.
#pragma once

#include <map>

#include "adapters/java/jni_helpers.h"

namespace thaw::java {

using Strings = std::vector<std::string>;  ///< each without its NUL

/// The environment that the process has now, as libc keeps it: "NAME=value".
Strings libc_environment();

/// System.getenv(), and libc's environment, which children and native code have.
class Environment {
 public:
  /// `first`: what the app has been started with.
  Environment(JNIEnv* env, const LoadedClasses& classes, const Strings& first);

  /// The caller's, but for what the app has set or removed itself.
  void deliver(JNIEnv* env, const Strings& callers, bool rehearsal);

 private:
  using Variables = std::map<std::string, std::string>;

  static Variables parse(const Strings& entries);
  Variables of_java(JNIEnv* env);
  void deliver_to_libc(const Variables& wanted);
  void deliver_to_java(JNIEnv* env, const Variables& wanted);

  Variables first_;
  /// What another than the first value is the app's own; and what it has removed.
  struct Own {
    Own(const Variables& first, const Variables& now);
    void apply(Variables& to) const;
    Variables set;
    Strings removed;
  };
  Own libc_own_, java_own_;
  Variables last_;         ///< what Java's has been made of
  jobject map_ = nullptr;  ///< null: Java has not looked yet
  jclass name_class_ = nullptr, value_class_ = nullptr;
  jmethodID name_ = nullptr, value_ = nullptr, clear_ = nullptr, put_ = nullptr;
};

/// The array that main() was given.
class Arguments {
 public:
  /// Has the array kept when the launcher of Java calls main().
  static void watch_main();

  /// `command_line`: the process's own.
  Arguments(JNIEnv* env, const Strings& command_line);

  /// Puts the caller's arguments into main's array. What prevents it; empty: nothing.
  std::string deliver(JNIEnv* env, const Strings& callers);

 private:
  Strings command_line_;
  jobjectArray array_ = nullptr;
  size_t size_ = 0;
};

}  // namespace thaw::java
