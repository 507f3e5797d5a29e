// Descriptors: which numbers share an open file description, which come from the caller, and for
// the rest the kind that each has (fd/kinds.cc).
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "checkpoint/request.h"
#include "fd/kind.h"
#include "image/hash.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr int kFirstOwn = 3;  ///< 0, 1 and 2 always come from the caller.

struct Numbered {
  int number;
  bool close_on_exec;
  size_t description;  ///< index of its probe
};

bool same_description(pid_t pid, int a, int b) {
  return syscall(SYS_kcmp, pid, pid, KCMP_FILE, static_cast<unsigned long>(a),
                 static_cast<unsigned long>(b)) == 0;
}

Result<fd::Probe> probe(pid_t pid, int pidfd, int number_) {
  fd::Probe probe;
  probe.pid = pid;
  probe.number = number_;
  const std::string folder = "/proc/" + std::to_string(pid);
  THAW_ASSIGN(link, read_link(folder + "/fd/" + std::to_string(number_)));
  THAW_ASSIGN(info, read_file(folder + "/fdinfo/" + std::to_string(number_)));
  probe.link = std::move(link);
  probe.fdinfo = std::move(info);
  probe.copy.reset(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, number_, 0)));
  if (!probe.copy.valid()) return errno_error("cannot copy descriptor " + std::to_string(number_));
  if (fstat(probe.copy.get(), &probe.status) != 0) return errno_error("cannot stat " + probe.link);
  const auto flags = static_cast<int>(number(line_value(probe.fdinfo, "flags:"), 8));
  probe.close_on_exec = (flags & O_CLOEXEC) != 0;
  probe.flags = flags & ~O_CLOEXEC;
  probe.position = static_cast<off_t>(number(line_value(probe.fdinfo, "pos:")));
  return probe;
}

bool is_stdio(const fd::Probe& p) {
  return p.number < kFirstOwn;
}

/// Terminals and pipes that the app opened again by another description are still the caller's.
bool same_channel(const fd::Probe& stdio, const fd::Probe& p) {
  if (S_ISCHR(p.status.st_mode) && S_ISCHR(stdio.status.st_mode))
    return isatty(p.copy.get()) != 0 && p.status.st_rdev == stdio.status.st_rdev;
  return S_ISFIFO(p.status.st_mode) && S_ISFIFO(stdio.status.st_mode) &&
         p.status.st_ino == stdio.status.st_ino && p.status.st_dev == stdio.status.st_dev &&
         (p.flags & O_ACCMODE) == (stdio.flags & O_ACCMODE);
}

/// The number that the caller gives for this description, or -1.
int inherited_from(const Capture& capture, const std::vector<fd::Probe>& probes,
                   const fd::Probe& p) {
  if (is_stdio(p)) return p.number;
  const auto& inherit = capture.request.inherit;
  if (std::find(inherit.begin(), inherit.end(), p.number) != inherit.end()) return p.number;
  for (const fd::Probe& other : probes)
    if (is_stdio(other) && same_channel(other, p)) return other.number;
  return -1;
}

void collect_owner(const Capture& capture, const fd::Probe& p, model::OpenFile& file) {
  f_owner_ex owner = {};
  if (fcntl(p.copy.get(), F_GETOWN_EX, &owner) != 0 || owner.pid == 0) return;
  file.owner_type = owner.type;
  const int signal = fcntl(p.copy.get(), F_GETSIG);
  file.owner_signal = signal > 0 ? static_cast<uint32_t>(signal) : 0;
  if (owner.type != F_OWNER_TID) return;
  for (size_t i = 0; i < capture.tids.size(); ++i)
    if (capture.tids[i] == owner.pid) file.owner_thread = static_cast<model::Index>(i);
}

Result<model::OpenFile> collect_open_file(fd::Collector& collector, const Capture& capture,
                                          const fd::Probe& p) {
  const auto kinds = fd::kinds();
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&p](const fd::Kind& k) { return k.match(p); });
  if (kind == kinds.end())
    return fd::refuse(p, "thaw does not know this kind of descriptor",
                      "close it before the checkpoint");
  model::OpenFile file;
  file.kind = static_cast<uint32_t>(kind - kinds.begin());
  file.flags = static_cast<uint32_t>(p.flags);
  file.position = static_cast<uint64_t>(p.position);
  collect_owner(capture, p, file);
  THAW_TRY(kind->collect(collector, p, file));
  return file;
}

/// The app's copy shares its position with the app: SEEK_DATA must leave it where it was.
class KeepPosition {
 public:
  explicit KeepPosition(int fd) : fd_(fd), position_(lseek(fd, 0, SEEK_CUR)) {}
  KeepPosition(const KeepPosition&) = delete;
  KeepPosition& operator=(const KeepPosition&) = delete;
  ~KeepPosition() {
    if (position_ >= 0) lseek(fd_, position_, SEEK_SET);
  }

 private:
  int fd_;
  off_t position_;
};

/// Stores `size` bytes (whole pages) that belong at `offset` of an object, continuing the last run
/// where it can.
Result<void> store_run(Capture& capture, model::Range& range, uint64_t offset, const char* bytes,
                       uint64_t size) {
  const uint64_t at = capture.writer.reserve(size);
  THAW_TRY(capture.writer.write(at, bytes, size));
  auto& runs = capture.image.data_runs;
  if (range.count > 0 && runs.back().offset + runs.back().size == offset &&
      runs.back().data + runs.back().size == at) {
    runs.back().size += size;
    return {};
  }
  runs.push_back({offset, at, size});
  ++range.count;
  return {};
}

Result<model::Range> store_content(Capture& capture, int fd, uint64_t size) {
  const KeepPosition keep(fd);
  model::Range range = {static_cast<model::Index>(capture.image.data_runs.size()), 0};
  const size_t page = capture.writer.page_size();
  std::vector<char> buffer(64 * page);
  for (uint64_t offset = 0; offset < size;) {
    const off_t data = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data > static_cast<off_t>(offset)) offset = static_cast<uint64_t>(data) / page * page;
    if (offset >= size) break;
    const ssize_t got = pread(fd, buffer.data(), std::min<uint64_t>(buffer.size(), size - offset),
                              static_cast<off_t>(offset));
    if (got < 0) return errno_error("cannot read a file's content");
    if (got == 0) break;
    const auto bytes = static_cast<uint64_t>(got);
    const uint64_t whole = (bytes + page - 1) / page * page;
    std::fill(buffer.begin() + got, buffer.begin() + static_cast<ptrdiff_t>(whole), '\0');
    for (uint64_t at = 0; at < whole; at += page)
      if (!image::all_zero(buffer.data() + at, page))
        THAW_TRY(store_run(capture, range, offset + at, buffer.data() + at, page));
    offset += bytes;
  }
  return range;
}

/// Fills `numbers` and one probe per open file description.
Result<void> probe_all(Capture& capture, int pidfd, std::vector<fd::Probe>& probes,
                       std::vector<Numbered>& numbers) {
  const pid_t pid = capture.request.pid;
  THAW_ASSIGN(open_numbers, numeric_entries("/proc/" + std::to_string(pid) + "/fd"));
  for (const int number_ : open_numbers) {
    THAW_ASSIGN(p, probe(pid, pidfd, number_));
    size_t description = 0;
    for (; description < probes.size(); ++description) {
      const fd::Probe& known = probes[description];
      if (known.status.st_ino == p.status.st_ino && known.status.st_dev == p.status.st_dev &&
          same_description(pid, known.number, number_))
        break;
    }
    numbers.push_back({number_, p.close_on_exec, description});
    if (description == probes.size()) probes.push_back(std::move(p));
  }
  return {};
}

}  // namespace

Result<void> collect_descriptors(Capture& capture) {
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, capture.request.pid, 0)));
  if (!pidfd.valid()) return errno_error("cannot open the process");
  std::vector<fd::Probe> all;
  std::vector<Numbered> numbers;
  THAW_TRY(probe_all(capture, pidfd.get(), all, numbers));

  // Split what the caller gives from what thaw makes again.
  std::vector<int> from_caller;
  for (const fd::Probe& p : all) from_caller.push_back(inherited_from(capture, all, p));
  std::vector<fd::Probe> own;
  std::vector<model::Index> open_file_of(all.size(), model::kNone);
  for (size_t i = 0; i < all.size(); ++i) {
    if (from_caller[i] >= 0) continue;
    all[i].open_file = open_file_of[i] =
        static_cast<model::Index>(capture.image.open_files.size() + own.size());
    own.push_back(std::move(all[i]));
  }

  fd::Collector collector = {capture.image, capture.request.policies, own, -1, {}};
  collector.store_content = [&capture](int fd, uint64_t size) {
    return store_content(capture, fd, size);
  };
  for (const fd::Probe& p : own) {
    THAW_ASSIGN(file, collect_open_file(collector, capture, p));
    capture.image.open_files.push_back(file);
  }

  capture.process.fds.first = static_cast<model::Index>(capture.image.fds.size());
  for (const Numbered& n : numbers) {
    model::Fd record;
    record.number = static_cast<uint32_t>(n.number);
    record.open_file = open_file_of[n.description];
    record.close_on_exec = n.close_on_exec ? 1 : 0;
    record.inherit = from_caller[n.description];
    if (record.open_file != model::kNone) {
      model::OpenFile& file = capture.image.open_files[record.open_file];
      if (file.fd_count++ == 0) file.first_fd = static_cast<model::Index>(capture.image.fds.size());
    }
    capture.image.fds.push_back(record);
    ++capture.process.fds.count;
  }
  return {};
}

}  // namespace thaw::checkpoint
