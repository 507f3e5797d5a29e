// signalfd: a set of signals. What it reads is queued with the threads and the process, not here.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd/kinds.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

struct SignalRecord {
  uint64_t mask = 0;
};

bool match(const Probe& p) {
  return p.link == "anon_inode:[signalfd]";
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const std::string_view mask = fdinfo_value(p, "sigmask");
  if (mask.empty())
    return refuse(p, "does not show its signals",
                  "use a kernel with /proc and CONFIG_PROC_FS fdinfo");
  out.payload = c.image.record(SignalRecord{number(mask, 16)});
  out.note = c.image.blob("signals " + std::string(mask));
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<SignalRecord>(file.payload);
  // libc's sigset_t has another size than the kernel's.
  const int flags = O_CLOEXEC | static_cast<int>(file.flags & O_NONBLOCK);
  UniqueFd fd(
      static_cast<int>(syscall(SYS_signalfd4, -1, &record.mask, sizeof(record.mask), flags)));
  if (!fd.valid()) return errno_error("cannot make a signalfd");
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  return view.record<SignalRecord>(file.payload) == nullptr
             ? "a signalfd's record in the image is broken"
             : nullptr;
}

}  // namespace

constinit const Kind kSignalfd = {
    .name = "signalfd",
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
