#include "restorer/meeting.h"

#include "arch/this_cpu.h"

namespace thaw::restorer {
namespace {

/// How often it finds one stopped before it gives up: as long as who has stopped all of them takes to
/// continue all of them.
constexpr uint32_t kMostStops = 50;
/// How often it looks, at most, whether those have stopped that are to.
constexpr uint32_t kMostLooks = 500;

constexpr int kExitGivenUp = 125;

bool has_stopped(uint32_t pid) {
  ChildState state;
  const long result = wait_id(pid, state.information, WSTOPPED | WNOHANG);
  return result < 0 || state.is_known();
}

/// Whether somebody outside has stopped a child.
bool has_stopped_child(const Tree& tree, Stage stage) {
  for (uint32_t i = tree.self + 1; i < tree.count; ++i) {
    const bool is_to_stop = stage == kStopped && tree.is_stopped(i);
    if (tree.processes[i].parent == tree.self && !tree.is_zombie(i) && !is_to_stop &&
        has_stopped(tree.pid(i)))
      return true;
  }
  return false;
}

uint32_t count_of(uint32_t word) {
  return word & ~(Meeting::kFailed | Meeting::kDecided);
}

/// Looks after the children of somebody that waits.
class Watch {
 public:
  Watch(const Tree& tree, Stage stage) : tree_(tree), stage_(stage) {}

  void look() {
    if (is_orphan(tree_)) end_member();
    stops_ = has_stopped_child(tree_, stage_) ? stops_ + 1 : 0;
    const bool too_long = stage_ == kStopped && ++looks_ == kMostLooks;
    if (has_lost_child(tree_) || stops_ == kMostStops || too_long) tell_of_failure(tree_);
  }

 private:
  const Tree& tree_;
  const Stage stage_;
  uint32_t stops_ = 0, looks_ = 0;
};

}  // namespace

void rest() {
  const long moment[2] = {0, kPatienceNs};
  raw::call(__NR_nanosleep, reinterpret_cast<long>(moment), 0);
}

void end_member() {
  for (;;) raw::call(__NR_exit_group, kExitGivenUp);
}

long await_child(uint32_t pid, long events, ChildState& state) {
  for (uint32_t stops = 0; stops < kMostStops;) {
    const long result = wait_id(pid, state.information, events | WSTOPPED);
    if (result == -EINTR) continue;
    if (result < 0 || state.code() != CLD_STOPPED || (events & WSTOPPED) != 0) return result;
    ++stops;
    rest();
  }
  return -ECANCELED;
}

void arrive(const Tree& tree, Stage stage, uint32_t all) {
  uint32_t* word = &tree.meeting->arrived[stage];
  if (count_of(__atomic_add_fetch(word, 1, __ATOMIC_ACQ_REL)) >= all)
    raw::call(__NR_futex, reinterpret_cast<long>(word), FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}

uint32_t count_at(const Tree& tree, Stage stage) {
  return count_of(__atomic_load_n(&tree.meeting->arrived[stage], __ATOMIC_ACQUIRE));
}

bool await(const Tree& tree, Stage stage, uint32_t all) {
  const uint32_t* word = &tree.meeting->arrived[stage];
  for (Watch watch(tree, stage);;) {
    const uint32_t now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if ((now & (Meeting::kFailed | Meeting::kDecided)) == Meeting::kFailed) return false;
    if (count_of(now) >= all) return true;
    const long patience[4] = {0, kPatienceNs, 0, 0};
    const long result = raw::call(__NR_futex, reinterpret_cast<long>(word), FUTEX_WAIT, now,
                                  reinterpret_cast<long>(patience), 0, 0);
    if (result != 0 && result != -EAGAIN && result != -EINTR) watch.look();
  }
}

}  // namespace thaw::restorer
