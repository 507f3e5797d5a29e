#include "restorer/threads.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/ioprio.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "arch/this_cpu.h"
#include "restorer/clone.h"
#include "restorer/cold_start.h"
#include "restorer/credentials.h"
#include "restorer/signals.h"

namespace thaw::restorer {
namespace {

/// Lies at the low end of the thread's stack in the restorer area.
struct Start {
  const Handover* handover;
  uint32_t index;
  int32_t result;  ///< of the set-up, once it is known
  uint32_t tid;    ///< of the new thread
};

template <typename T>
T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

long prctl(long option, long a, long b = 0) {
  return raw::call(__NR_prctl, option, a, b, 0, 0);
}

void write_tid_words(const Handover& handover, const model::Thread& thread, uint32_t tid) {
  if ((thread.flags & model::kTidWord) != 0) *pointer<volatile uint32_t>(thread.tid_word) = tid;
  for (uint32_t i = 0; i < thread.robust_words.count; ++i) {
    auto* word =
        pointer<volatile uint32_t>(handover.robust_words[thread.robust_words.first + i].address);
    *word = (*word & ~uint32_t{FUTEX_TID_MASK}) | tid;
  }
}

/// All that a thread sets up for itself, but for the leader: a cold start ends it, and undoes that.
long set_up_thread(const Handover& handover, uint32_t index) {
  const model::Thread& thread = handover.threads[index];
  if (const long result = register_thread(handover, index); result < 0) return result;
  if (thread.timer_slack_ns != 0)
    if (const long result = prctl(PR_SET_TIMERSLACK, static_cast<long>(thread.timer_slack_ns));
        result < 0)
      return result;
  set_scheduling(handover, index);
  if (const long result = take_credentials(handover); result < 0) return result;
  if (thread.parent_death_signal != 0)
    if (const long result = prctl(PR_SET_PDEATHSIG, thread.parent_death_signal); result < 0)
      return result;
  if ((handover.process->flags & model::kNoNewPrivileges) != 0)
    if (const long result = prctl(PR_SET_NO_NEW_PRIVS, 1); result < 0) return result;
  return queue_thread_signals(handover, thread);
}

[[noreturn]] void run_thread(void* argument) {
  Start& start = *static_cast<Start*>(argument);
  const Handover& handover = *start.handover;
  const model::Thread& thread = handover.threads[start.index];
  const long result = set_up_thread(handover, start.index);
  __atomic_store_n(&start.result, static_cast<int32_t>(result), __ATOMIC_RELEASE);
  raw::enter_park(handover.process->park_code, thread.frame, handover.process->park_word);
}

long start_thread(Handover& handover, uint32_t index) {
  const model::Thread& thread = handover.threads[index];
  const uint64_t stack = handover.stacks + index * handover.stack_size;
  auto* start = pointer<Start>(stack);
  *start = {&handover, index, 0, 0};
  const uint64_t tid = thread.tid;
  CloneArguments arguments = {};
  arguments.flags = kThreadFlags | CLONE_SETTLS;
  arguments.tls = thread.tls[0];
  if (thread.clear_child_tid != 0) arguments.flags |= CLONE_CHILD_CLEARTID;
  arguments.child_tid = thread.clear_child_tid;
  arguments.stack = stack;
  arguments.stack_size = handover.stack_size;
  if (handover.keep_pid != 0) {
    arguments.set_tid = reinterpret_cast<uintptr_t>(&tid);
    arguments.set_tid_size = 1;
  }
  const long result = raw::clone_thread(&arguments, sizeof(arguments), run_thread, start);
  start->tid = static_cast<uint32_t>(result);
  return result;
}

/// The park stub counts the threads that have reached it in the word behind the park word.
void wait_until_parked(const Handover& handover, uint32_t count) {
  auto* parked = pointer<uint32_t>(handover.process->park_word + 4);
  for (;;) {
    const uint32_t now = __atomic_load_n(parked, __ATOMIC_ACQUIRE);
    if (now >= count) return;
    raw::call(__NR_futex, reinterpret_cast<long>(parked), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, now, 0,
              0, 0);
  }
}

}  // namespace

long register_thread(const Handover& handover, uint32_t index) {
  const model::Thread& thread = handover.threads[index];
  const long tid = raw::call(__NR_gettid);
  if (tid < 0) return tid;
  write_tid_words(handover, thread, static_cast<uint32_t>(tid));
  if (const long result = raw::set_thread_extras(thread); result < 0) return result;
  if (thread.robust_list != 0)
    if (const long result = raw::call(__NR_set_robust_list, static_cast<long>(thread.robust_list),
                                      static_cast<long>(thread.robust_list_size));
        result < 0)
      return result;
  if (thread.rseq_address != 0) {
    const long result = raw::call(__NR_rseq, static_cast<long>(thread.rseq_address),
                                  thread.rseq_size, 0, thread.rseq_signature);
    if (result < 0) return result;
  }
  return prctl(PR_SET_NAME, reinterpret_cast<long>(thread.comm));
}

void set_scheduling(const Handover& handover, uint32_t index) {
  constexpr long tid = 0;  // The calling thread.
  const model::Thread& thread = handover.threads[index];
  const model::Thread& leader = handover.threads[0];
  if (thread.affinity.size != 0)
    raw::call(__NR_sched_setaffinity, tid, static_cast<long>(thread.affinity.size),
              reinterpret_cast<long>(handover.blobs + thread.affinity.offset));
  if (thread.policy != leader.policy || thread.priority != leader.priority || thread.policy != 0) {
    struct {
      int priority;
    } parameter = {static_cast<int>(thread.priority)};
    raw::call(__NR_sched_setscheduler, tid,
              thread.policy | (thread.sched_flags != 0 ? SCHED_RESET_ON_FORK : 0),
              reinterpret_cast<long>(&parameter));
  }
  if (thread.nice != 0) {
    // getpriority(2) answers 20 - nice.
    const long own = 20 - raw::call(__NR_getpriority, PRIO_PROCESS, tid);
    raw::call(__NR_setpriority, PRIO_PROCESS, tid, own + thread.nice);
  }
  if ((thread.flags & model::kOwnIoPriority) != 0)
    raw::call(__NR_ioprio_set, IOPRIO_WHO_PROCESS, tid, thread.io_priority);
}

uint32_t new_tid(const Handover& handover, uint32_t index) {
  if (index == 0) return static_cast<uint32_t>(raw::call(__NR_gettid));
  return pointer<Start>(handover.stacks + index * handover.stack_size)->tid;
}

/// Where the number of tasks is limited, the app's threads come before who watches the launch.
long start_thread_instead(Handover& handover, uint32_t index) {
  constexpr int kTries = 100;
  raw::call(__NR_kill, -handover.cold.watcher, SIGKILL);
  handover.cold.watcher = 0;
  long result = -EAGAIN;
  for (int i = 0; i < kTries && result == -EAGAIN; ++i) {
    long moment[2] = {0, 100'000};
    raw::call(__NR_nanosleep, reinterpret_cast<long>(moment), 0);
    result = start_thread(handover, index);
  }
  return result;
}

void start_threads(Handover& handover) {
  const uint32_t count = handover.process->threads.count;
  for (uint32_t i = 1; i < count; ++i) {
    long result = start_thread(handover, i);
    if (result == -EAGAIN && handover.cold.watcher > 0) result = start_thread_instead(handover, i);
    check(handover, result, "cannot start a thread");
  }
  wait_until_parked(handover, count - 1);
  for (uint32_t i = 1; i < count; ++i)
    check(handover, pointer<Start>(handover.stacks + i * handover.stack_size)->result,
          "cannot set up a thread");
}

}  // namespace thaw::restorer
