// timerfd: a clock, what remains of its time, and the expirations that nobody has read yet.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "arch/call_numbers.h"
#include "fd/kinds.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMaxTime = uint64_t{1} << 62;  ///< ns; the kernel's own times end at 2^63
constexpr uint32_t kAbsolute = TFD_TIMER_ABSTIME;
constexpr uint32_t kSetFlags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
constexpr unsigned long kSetTicks = _IOW('T', 0, uint64_t);  // TFD_IOC_SET_TICKS

struct TimerRecord {
  uint32_t clock = 0;
  uint32_t flags = 0;     ///< of timerfd_settime
  uint64_t ticks = 0;     ///< expirations to be read
  uint64_t value_ns = 0;  ///< what remained at checkpoint, 0: not armed
  uint64_t interval_ns = 0;
  uint64_t expiry_ns = 0;  ///< when an absolute timer of CLOCK_REALTIME fires; else 0
};

bool match(const Probe& p) {
  return p.link == "anon_inode:[timerfd]";
}

bool wall_clock(uint32_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

uint64_t now_ns(uint32_t clock) {
  timespec now = {};
  clock_gettime(static_cast<clockid_t>(clock), &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

/// "(4, 995355003)" in nanoseconds.
uint64_t parse_time(std::string_view text) {
  const auto parts = split(text, "(, )");
  return parts.size() == 2 ? number(parts[0]) * kSecond + number(parts[1]) : 0;
}

TimerRecord read_state(const Probe& p) {
  Probe now;
  now.fdinfo = fresh_fdinfo(p);
  TimerRecord record;
  record.clock = static_cast<uint32_t>(number(fdinfo_value(now, "clockid")));
  record.flags = static_cast<uint32_t>(number(fdinfo_value(now, "settime flags"), 8)) & kSetFlags;
  record.ticks = number(fdinfo_value(now, "ticks"));
  record.value_ns = parse_time(fdinfo_value(now, "it_value"));
  record.interval_ns = parse_time(fdinfo_value(now, "it_interval"));
  return record;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  // A periodic timer that fired stands still until it is looked at: timerfd_gettime counts what it
  // missed and starts it again, which the app's own read would have done.
  TimerRecord record;
  for (int tries = 0; tries < 4; ++tries) {
    itimerspec ignored = {};
    if (timerfd_gettime(p.copy.get(), &ignored) != 0)
      return errno_error(describe(p) + ": cannot read the timer");
    record = read_state(p);
    if (record.value_ns != 0 || record.interval_ns == 0 || record.ticks == 0) break;
  }
  if (record.value_ns == 0 && record.ticks != 0) record.value_ns = record.interval_ns;
  if (wall_clock(record.clock) && (record.flags & kAbsolute) != 0 && record.value_ns != 0)
    record.expiry_ns = now_ns(CLOCK_REALTIME) + record.value_ns;
  out.payload = c.image.record(record);
  out.note = c.image.blob(record.value_ns == 0
                              ? std::string("not armed")
                              : "fires in " + std::to_string(record.value_ns / 1'000'000) + " ms");
  return {};
}

/// struct __kernel_itimerspec: 64-bit times on every CPU.
struct Setting {
  int64_t interval_s, interval_ns, value_s, value_ns;
};

Result<void> set(int fd, uint32_t flags, uint64_t value_ns, uint64_t interval_ns) {
  const Setting setting = {
      static_cast<int64_t>(interval_ns / kSecond), static_cast<int64_t>(interval_ns % kSecond),
      static_cast<int64_t>(value_ns / kSecond), static_cast<int64_t>(value_ns % kSecond)};
  if (syscall(arch::kSetTimerFd, fd, flags, &setting, nullptr) != 0)
    return errno_error("cannot arm a timerfd");
  return {};
}

Result<void> arm(int fd, const TimerRecord& record) {
  if (record.expiry_ns != 0) return set(fd, record.flags, record.expiry_ns, record.interval_ns);
  // Absolute times of the other clocks count from another start at a launch: what remained is what
  // is meant.
  return set(fd, 0, record.value_ns, record.interval_ns);
}

/// Kernels without CONFIG_CHECKPOINT_RESTORE do not let expirations be set: let them happen again.
/// A periodic timer that should have fired `ticks` times by now counts them all at the first read,
/// and keeps its rhythm.
Result<void> expire(int fd, const TimerRecord& record) {
  if (record.interval_ns == 0) return set(fd, 0, 1, 0);
  const uint64_t next =
      record.expiry_ns != 0 ? record.expiry_ns : now_ns(record.clock) + record.value_ns;
  uint64_t past = 0;
  const bool fits = !__builtin_mul_overflow(record.ticks, record.interval_ns, &past) && past < next;
  return set(fd, kAbsolute, fits ? next - past : 1, record.interval_ns);
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<TimerRecord>(file.payload);
  const int flags = TFD_CLOEXEC | ((file.flags & O_NONBLOCK) != 0 ? TFD_NONBLOCK : 0);
  UniqueFd fd(timerfd_create(static_cast<clockid_t>(record.clock), flags));
  if (!fd.valid()) return errno_error("cannot make a timerfd");
  if (record.value_ns != 0 || record.interval_ns != 0) THAW_TRY(arm(fd.get(), record));
  if (record.ticks != 0 && ioctl(fd.get(), kSetTicks, &record.ticks) != 0)
    THAW_TRY(expire(fd.get(), record));
  return fd;
}

bool known_clock(uint32_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
         clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<TimerRecord>(file.payload);
  if (record == nullptr || !known_clock(record->clock) || (record->flags & ~kSetFlags) != 0 ||
      record->value_ns > kMaxTime || record->interval_ns > kMaxTime || record->expiry_ns > kMaxTime)
    return "a timerfd's record in the image is broken";
  return nullptr;
}

}  // namespace

constinit const Kind kTimerfd = {
    .name = "timerfd",
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
