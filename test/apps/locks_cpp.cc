// Locks of the C++ library that hold their owner's thread id, held across the restore by the main
// thread, each with a thread that waits for it.
#include <pthread.h>

#include <mutex>

#include "harness.h"

namespace {

template <typename Mutex>
class Held {
 public:
  Held() {
    mutex_.lock();
    mutex_.lock();
    NEED0(pthread_create(&waiter_, nullptr, &Held::wait_for, this));
  }
  Held(const Held&) = delete;

  void check() {
    CHECK(mutex_.try_lock());  // Its owner does not wait for itself.
    for (int i = 0; i < 3; i++) {
      CHECK_EQ("entered too early", 0, entered_);
      mutex_.unlock();
    }
    NEED0(pthread_join(waiter_, nullptr));
    CHECK_EQ("entered", 1, entered_);
  }

 private:
  static void* wait_for(void* self) {
    auto* held = static_cast<Held*>(self);
    held->mutex_.lock();
    held->mutex_.lock();
    held->entered_ = 1;
    held->mutex_.unlock();
    held->mutex_.unlock();
    return nullptr;
  }

  Mutex mutex_;
  pthread_t waiter_;
  volatile int entered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  app_start(argc, argv);
  static Held<std::recursive_mutex> plain;
  static Held<std::recursive_timed_mutex> timed;
  app_sleep_ms(50);  // All of them wait in the kernel.
  app_wait();
  plain.check();
  timed.check();
  return 0;
}
