// eventfd: a counter, and whether reads take one or all of it.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fd/kinds.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

struct EventRecord {
  uint64_t count = 0;
  uint32_t semaphore = 0;
  uint32_t reserved = 0;
};

bool match(const Probe& p) {
  return p.link == "anon_inode:[eventfd]";
}

Result<void> add(const Probe& p, uint64_t amount) {
  if (amount == 0 || write(p.copy.get(), &amount, sizeof(amount)) == ssize_t{sizeof(amount)})
    return {};
  return errno_error(describe(p) + ": cannot write to the counter");
}

/// Kernels before 6.5 do not say whether it is a semaphore, but a read of two or more does. The
/// counter is left as it was.
Result<bool> probe_semaphore(const Probe& p, uint64_t count) {
  const uint64_t added = count < 2 ? 2 - count : 0;
  THAW_TRY(add(p, added));
  uint64_t taken = 0;
  if (read(p.copy.get(), &taken, sizeof(taken)) != ssize_t{sizeof(taken)})
    return errno_error(describe(p) + ": cannot read the counter");
  const bool semaphore = taken == 1;
  if (!semaphore) {
    THAW_TRY(add(p, taken - added));
    return false;
  }
  if (added == 0) THAW_TRY(add(p, 1));
  if (added == 2 && read(p.copy.get(), &taken, sizeof(taken)) != ssize_t{sizeof(taken)})
    return errno_error(describe(p) + ": cannot read the counter");
  return true;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  EventRecord record;
  record.count = number(fdinfo_value(p, "eventfd-count"), 16);
  const std::string_view semaphore = fdinfo_value(p, "eventfd-semaphore");
  if (!semaphore.empty()) {
    record.semaphore = semaphore != "0";
  } else {
    THAW_ASSIGN(probed, probe_semaphore(p, record.count));
    record.semaphore = probed;
  }
  out.payload = c.image.record(record);
  out.note = c.image.blob("counter at " + std::to_string(record.count) +
                          (record.semaphore != 0 ? ", semaphore" : ""));
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<EventRecord>(file.payload);
  int flags = EFD_CLOEXEC | (record.semaphore != 0 ? EFD_SEMAPHORE : 0);
  if ((file.flags & O_NONBLOCK) != 0) flags |= EFD_NONBLOCK;
  const bool small = record.count <= UINT32_MAX;
  UniqueFd fd(eventfd(small ? static_cast<unsigned>(record.count) : 0, flags));
  if (!fd.valid()) return errno_error("cannot make an eventfd");
  if (!small &&
      write(fd.get(), &record.count, sizeof(record.count)) != ssize_t{sizeof(record.count)})
    return errno_error("cannot set the counter of an eventfd");
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<EventRecord>(file.payload);
  if (record == nullptr || record->semaphore > 1 || record->count == UINT64_MAX)
    return "an eventfd's record in the image is broken";
  return nullptr;
}

}  // namespace

constinit const Kind kEventfd = {
    .name = "eventfd",
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
