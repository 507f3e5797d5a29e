// The other threads of Java, which run no code of the app while what they might see is put right.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <functional>

#include "adapters/java/jni_helpers.h"

namespace thaw::java {

/// A thread of the agent's own, which Java does not wait for at its end.
bool start_thread(JNIEnv* env, jthread thread, jvmtiStartFunction function, void* data);
jthread new_thread(JNIEnv* env, const char* name);

class OtherThreads {
 public:
  explicit OtherThreads(JNIEnv* env) : env_(env) {}

  /// Stops them, and does `work`, which a launch will do as they are then. False, and they run on, if that
  /// took too long: one of them holds a lock.
  bool stopped_for(const std::function<void()>& work);

  void resume();

 private:
  static constexpr int kRehearsalSeconds = 10;

  void stop();
  static void watch(jvmtiEnv*, JNIEnv*, void* self);
  void wait_or_resume();

  JNIEnv* env_;
  jthread watch_ = nullptr;
  std::vector<jthread> stopped_;  ///< global references
  sem_t begun_ = {}, done_ = {}, gone_ = {};
  std::atomic<bool> decided_ = false;
};

}  // namespace thaw::java
