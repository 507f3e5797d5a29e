#include "checkpoint/collect/standard_descriptors.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace thaw::checkpoint {
namespace {

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_rdev == b.st_rdev;
}

/// Both are descriptors of this process. Where the kernel cannot compare, the file tells.
bool is_same_description(int a, int b) {
  const long order = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, static_cast<unsigned long>(a),
                             static_cast<unsigned long>(b));
  return order <= 0;
}

}  // namespace

StandardDescriptors::StandardDescriptors(const Capture& capture,
                                         std::span<const fd::Probe* const, kFirstOwn> at_numbers)
    : root_(capture.root().pid) {
  const auto& given = capture.request.given;
  for (size_t i = 0; i < files_.size(); ++i)
    if (given && given->stdio) {
      const proc::GivenFile& file = (*given->stdio)[i];
      files_[i] = {&file.status, file.access, file.copy == nullptr ? -1 : file.copy->get()};
    } else if (const fd::Probe* p = at_numbers[i]; p != nullptr) {
      files_[i] = {&p->status, p->flags & O_ACCMODE, p->copy.get()};
    }
}

uint32_t StandardDescriptors::find(const fd::Probe& p) const {
  uint32_t found = 0;
  for (int n = 0; n < kFirstOwn; ++n) {
    const auto& file = files_[static_cast<size_t>(n)];
    if (!file) continue;
    const bool same = file->copy >= 0 && is_same_file(*file->status, p.status) &&
                      is_same_description(file->copy, p.copy.get());
    if (same || is_opened_again(p, n)) found |= 1u << n;
  }
  return found;
}

/// By another description (/dev/stderr, /dev/tty). A file is the caller's only where the caller's was: it may be a log of the
/// app's.
bool StandardDescriptors::is_opened_again(const fd::Probe& p, int number) const {
  const File& file = *files_[static_cast<size_t>(number)];
  const struct stat& status = *file.status;
  if ((status.st_mode & S_IFMT) != (p.status.st_mode & S_IFMT)) return false;
  if (S_ISCHR(status.st_mode))
    return status.st_rdev == p.status.st_rdev && isatty(p.copy.get()) != 0;
  if (!is_same_file(status, p.status) || (p.flags & O_ACCMODE) != file.access) return false;
  return S_ISFIFO(status.st_mode) ||
         (S_ISREG(status.st_mode) && p.pid == root_ && p.number == number);
}

}  // namespace thaw::checkpoint
