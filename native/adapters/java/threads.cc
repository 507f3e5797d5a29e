#include "adapters/java/threads.h"

#include <cerrno>
#include <ctime>

namespace thaw::java {

namespace {

void wait(sem_t* semaphore) {
  while (sem_wait(semaphore) != 0 && errno == EINTR) {
  }
}

}  // namespace

jthread new_thread(JNIEnv* env, const char* name) {
  jclass thread = env->FindClass("java/lang/Thread");
  jmethodID make = env->GetMethodID(thread, "<init>", "(Ljava/lang/String;)V");
  return or_null(env, env->NewObject(thread, make, env->NewStringUTF(name)));
}

bool start_thread(JNIEnv* env, jthread thread, jvmtiStartFunction function, void* data) {
  const bool started =
      thread != nullptr &&
      jvmti->RunAgentThread(thread, function, data, JVMTI_THREAD_NORM_PRIORITY) == JVMTI_ERROR_NONE;
  or_null(env, 0);
  return started;
}

bool OtherThreads::stopped_for(const std::function<void()>& work) {
  sem_init(&begun_, 0, 0);
  sem_init(&done_, 0, 0);
  sem_init(&gone_, 0, 0);
  decided_ = false;
  watch_ = new_thread(env_, "thaw watch");  // Takes locks: while all others run.
  if (!start_thread(env_, watch_, watch, this)) return false;
  stop();
  sem_post(&begun_);
  work();
  const bool in_time = !decided_.exchange(true);
  sem_post(&done_);
  wait(&gone_);
  return in_time;
}

void OtherThreads::stop() {
  jthread self = nullptr;
  jint count = 0;
  jthread* all = nullptr;
  if (jvmti->GetCurrentThread(&self) != JVMTI_ERROR_NONE ||
      jvmti->GetAllThreads(&count, &all) != JVMTI_ERROR_NONE)
    return;
  std::vector<jthread> others;
  for (jint i = 0; i < count; ++i)
    if (!env_->IsSameObject(all[i], self) && !env_->IsSameObject(all[i], watch_))
      others.push_back(static_cast<jthread>(env_->NewGlobalRef(all[i])));
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(all));
  std::vector<jvmtiError> errors(others.size(), JVMTI_ERROR_INTERNAL);
  jvmti->SuspendThreadList(static_cast<jint>(others.size()), others.data(), errors.data());
  for (size_t i = 0; i < others.size(); ++i) {
    // One that has ended, or that a debugger stopped, is none to resume.
    if (errors[i] == JVMTI_ERROR_NONE)
      stopped_.push_back(others[i]);
    else
      env_->DeleteGlobalRef(others[i]);
  }
}

void OtherThreads::resume() {
  std::vector<jvmtiError> errors(stopped_.size());
  if (!stopped_.empty())
    jvmti->ResumeThreadList(static_cast<jint>(stopped_.size()), stopped_.data(), errors.data());
  for (jthread thread : stopped_) env_->DeleteGlobalRef(thread);
  stopped_.clear();
}

void OtherThreads::watch(jvmtiEnv* /* jvmti */, JNIEnv* /* its own */, void* self) {
  auto* threads = static_cast<OtherThreads*>(self);
  wait(&threads->begun_);
  threads->wait_or_resume();
  sem_post(&threads->gone_);
}

void OtherThreads::wait_or_resume() {
  timespec end = {};
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += kRehearsalSeconds;
  int result = 0;
  while ((result = sem_timedwait(&done_, &end)) != 0 && errno == EINTR) {
  }
  if (result == 0 || decided_.exchange(true)) return;
  std::vector<jvmtiError> errors(stopped_.size());
  jvmti->ResumeThreadList(static_cast<jint>(stopped_.size()), stopped_.data(), errors.data());
}

}  // namespace thaw::java
