#include "launch/check/inputs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "elf/build_id.h"
#include "image/fingerprint.h"
#include "image/hash.h"
#include "image/known_file.h"
#include "image/root_identity.h"
#include "support/unique_fd.h"

namespace thaw::launch {
namespace {

using image::InputRows;
using image::View;
using model::Input;
using model::InputKind;

enum class Change { none, changed, vanished, appeared, unknown };

/// Nothing is there, or can be: a name that is too long, links that lead round in circles.
bool is_missing(int err) {
  return err == ENOENT || err == ENOTDIR || err == ENAMETOOLONG || err == ELOOP;
}

int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

/// Some of the inputs tell for all: that the very change time is another file's does not happen, but
/// for times of whole seconds, which builds set.
bool has_own_files(const View& view, const InputRows& rows) {
  constexpr int kEnough = 8;
  int asked = 0;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const Input& input = rows[i];
    if (input.kind != InputKind::file || (input.flags & model::kInputNoChangeTime) != 0 ||
        input.ctime_ns % 1'000'000'000 == 0)
      continue;
    struct statx now = {};
    if (statx(AT_FDCWD, view.path_of(input).data(), AT_STATX_FORCE_SYNC, STATX_INO | STATX_CTIME,
              &now) == 0 &&
        now.stx_ino == input.ino && nanoseconds(now.stx_ctime) == input.ctime_ns)
      return true;
    if (++asked == kEnough) break;
  }
  return false;
}

/// Where the image is a copy, so is what it was made from: inodes and change times tell nothing
/// there. In a store that was sealed where it was built, the image alone is one.
bool is_copied(const View& view, const InputRows& rows) {
  struct stat status = {};
  if (fstat(view.fd(), &status) != 0) return true;
  return status.st_ino != view.requirements_record().image_inode && !has_own_files(view, rows);
}

/// Inputs at one place: in this root, or in another one.
class Inputs {
 public:
  /// `root`: a descriptor of another root, or -1. `read`: bytes that a launch has read so far; null
  /// where all may be read.
  Inputs(const View& view, const InputRows& rows, int root, std::atomic<uint32_t>* read)
      : view_(view), root_(root), copied_(root >= 0 || is_copied(view, rows)), read_(read) {}

  Change compare(const Input& input) {
    enter(input);
    struct statx now = {};
    const int flags = input.kind == InputKind::link ? AT_SYMLINK_NOFOLLOW : 0;
    if (look(flags, now) != 0) return absent(input, errno);
    if (input.kind == InputKind::missing) return Change::appeared;
    if ((now.stx_mode & S_IFMT) != (input.mode & S_IFMT)) return Change::changed;
    if (input.kind == InputKind::exists) return Change::none;
    const bool same = looks_same(input, now);
    if (same && is_proof(input)) return Change::none;
    // A new image would have the same to read of what looks the same.
    if (!may_read(input, now)) return same ? Change::unknown : Change::changed;
    return content_is_same(input, now) ? Change::none : Change::changed;
  }

 private:
  static Change absent(const Input& input, int err) {
    if (input.kind == InputKind::missing) return is_missing(err) ? Change::none : Change::changed;
    return is_missing(err) ? Change::vanished : Change::changed;
  }

  /// Inputs of one folder stand together: its path is walked once.
  void enter(const Input& input) {
    const std::string_view path = view_.path_of(input);
    const size_t slash = path.rfind('/');
    path_ = path.data();
    name_ = path_ + slash + 1;
    by_folder_ = root_ < 0 && (input.flags & model::kInputSharesFolder) != 0 && *name_ != '\0';
    if (by_folder_ && path.substr(0, slash) != folder_) open_folder(path.substr(0, slash));
    by_folder_ = by_folder_ && (fd_.valid() || is_missing(folder_error_));
  }

  void open_folder(std::string_view folder) {
    folder_ = folder;
    fd_.reset();
    folder_error_ = ENAMETOOLONG;
    char name[PATH_MAX];
    if (folder.size() + 2 > sizeof(name)) return;
    memcpy(name, folder.data(), folder.size());
    name[folder.size()] = '/';  // Of the root, nothing else is left.
    name[folder.size() + 1] = '\0';
    fd_.reset(open(name, O_PATH | O_DIRECTORY | O_CLOEXEC));
    folder_error_ = fd_.valid() ? 0 : errno;
  }

  int look(int flags, struct statx& now) {
    constexpr unsigned kWanted =
        STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_INO | STATX_MTIME | STATX_CTIME;
    if (root_ >= 0) {
      const UniqueFd found = open_in_root(O_PATH | (flags != 0 ? O_NOFOLLOW : 0));
      if (!found.valid()) return -1;
      return statx(found.get(), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, kWanted, &now);
    }
    if (by_folder_ && !fd_.valid()) {  // Nothing is in it.
      errno = folder_error_;
      return -1;
    }
    // A network's file system must ask: a cold start, which opens the file, would get what is new.
    return statx(by_folder_ ? fd_.get() : AT_FDCWD, by_folder_ ? name_ : path_,
                 flags | AT_STATX_FORCE_SYNC, kWanted, &now);
  }

  UniqueFd open_in_root(int flags) const {
    open_how how = {};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT;
    return UniqueFd(static_cast<int>(syscall(SYS_openat2, root_, path_, &how, sizeof(how))));
  }

  bool looks_same(const Input& input, const struct statx& now) const {
    const int64_t mtime = nanoseconds(now.stx_mtime);
    if (input.kind == InputKind::file && input.size != now.stx_size) return false;
    if (!copied_)
      return input.ino == now.stx_ino && input.mtime_ns == mtime &&
             input.ctime_ns == nanoseconds(now.stx_ctime);
    // Where the launch opens it, its build-id tells it as well.
    if ((input.flags & model::kInputOpened) != 0) return true;
    return image::same_time_of_copy(input.mtime_ns, mtime);
  }

  /// Whether looking the same is enough.
  bool is_proof(const Input& input) const {
    if ((input.flags & model::kInputReadAlways) != 0) return false;
    if (copied_ || input.content == 0 || (input.flags & model::kInputNoChangeTime) == 0)
      return true;
    return has_same_build_id(input);
  }

  bool has_same_build_id(const Input& input) const {
    const model::File* file = image::file_with_build_id(view_, input);
    if (file == nullptr) return false;
    const UniqueFd fd(open(path_, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    return fd.valid() && elf::build_id(fd.get()) == view_.bytes(file->build_id);
  }

  /// Whether it can be read in the time that a launch may take, which it then counts.
  bool may_read(const Input& input, const struct statx& now) {
    const bool reads = input.content != 0 && input.kind != InputKind::link &&
                       (input.kind != InputKind::file || input.size == now.stx_size);
    if (!reads || read_ == nullptr) return true;
    const auto size = static_cast<uint32_t>(now.stx_size);
    if (now.stx_size > image::kMostToRead || *read_ > image::kMostToRead - size) return false;
    *read_ += size;
    return true;
  }

  bool content_is_same(const Input& input, const struct statx& now) const {
    if (input.content == 0) return false;
    if (input.kind == InputKind::link) return target_hash() == input.content;
    if (input.kind == InputKind::file && input.size != now.stx_size) return false;
    const UniqueFd fd = root_ >= 0 ? open_in_root(O_RDONLY | O_NONBLOCK)
                                   : UniqueFd(open(path_, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return false;
    if (input.kind == InputKind::file) return image::hash_content(fd.get()) == input.content;
    const auto which = input.kind == InputKind::modules ? image::Names::modules : image::Names::all;
    return image::hash_names(fd.get(), which) == input.content;
  }

  [[nodiscard]] uint64_t target_hash() const {
    char target[PATH_MAX];
    const UniqueFd link = root_ >= 0 ? open_in_root(O_PATH | O_NOFOLLOW) : UniqueFd();
    const ssize_t size = root_ >= 0 ? readlinkat(link.get(), "", target, sizeof(target))
                                    : readlink(path_, target, sizeof(target));
    return size < 0 ? 0 : image::hash(target, static_cast<size_t>(size));
  }

  const View& view_;
  int root_;
  bool copied_;
  std::atomic<uint32_t>* read_;
  // The folder of the last input that shares one.
  std::string_view folder_ = {"\0", 1};  // None has this name.
  UniqueFd fd_;
  int folder_error_ = 0;    ///< why it could not be opened
  bool by_folder_ = false;  ///< whether it tells of this input
  const char* path_ = nullptr;
  const char* name_ = nullptr;
};

Error reason(const View& view, const Input& input, Change change) {
  const std::string path(view.path_of(input));
  const char* what = "has changed since the image was made";
  if (change == Change::vanished) what = "is gone since the image was made";
  if (change == Change::unknown)
    return Error{0,
                 path +
                     " is too much to read at a launch, and its file system keeps no change times "
                     "that would tell whether it is the same",
                 "set inputs.root_identity in the profile, or inputs.ignore = [\"" + path + "\"]"};
  if (change == Change::appeared) what = "was not there when the image was made";
  if (change == Change::changed &&
      (input.kind == InputKind::directory || input.kind == InputKind::modules))
    what = "holds other names than when the image was made";
  if (change == Change::changed && input.kind == InputKind::link)
    what = "leads elsewhere than when the image was made";
  return Error{0, path + ' ' + what, "build the profile again", true};
}

/// Whether the file system that an identity stands for is the one of the build, where it was.
bool has_root(const View& view) {
  const model::RootIdentity& root = view.requirements_record().root;
  if (root.file.size == 0) return false;
  const auto now = image::root_state(view.bytes(root.file).data(), view.bytes(root.folders));
  return now.stands() && now.content == root.content && now.mounts == root.mounts;
}

}  // namespace

Result<InputRows> rows_to_compare(View& view, const ExecCall& call) {
  if (call.any_inputs) return InputRows({}, {});
  if (has_root(view)) return InputRows(view.inputs(), {});
  THAW_TRY(view.read_tail(call.image));
  return InputRows(view);
}

InputsCheck::InputsCheck(const View& view, const ExecCall& call, InputRows rows,
                         bool may_have_helpers, Tell tell)
    : view_(view), call_(call), tell_(tell), rows_(rows), work_(rows_.size(), may_have_helpers) {}

Result<void> InputsCheck::begin() {
  if (work_.wants_helpers()) {
    Inputs inputs(view_, rows_, -1, &work_.counter());
    work_.begin([&](uint32_t i) { return static_cast<uint32_t>(inputs.compare(rows_[i])); },
                [&](SharedWork::Found found) { tell_(call_, told(found)); });
  }
  return work_.helpers().empty() ? finish() : Result<void>();
}

Result<void> InputsCheck::leave_to_helpers() {
  if (work_.helpers().empty()) return {};  // All is known.
  // What helpers find later ends in a cold start, whatever the next store has.
  if (call_.has_others) return finish();
  Inputs inputs(view_, rows_, -1, &work_.counter());
  // One is compared in about the time in which the restorer makes a mapping.
  const bool left = work_.leave_to_helpers(
      [&](uint32_t i) { return static_cast<uint32_t>(inputs.compare(rows_[i])); },
      static_cast<uint32_t>(view_.ops().size()));
  return left ? Result<void>() : finish();
}

Result<void> InputsCheck::finish() {
  Inputs inputs(view_, rows_, -1, &work_.counter());
  const auto found =
      work_.finish([&](uint32_t i) { return static_cast<uint32_t>(inputs.compare(rows_[i])); });
  return found ? Result<void>(told(*found)) : Result<void>();
}

Error InputsCheck::told(const SharedWork::Found& found) const {
  return reason(view_, rows_[found.index], static_cast<Change>(found.what));
}

void check_inputs(const View& view, const std::function<void(const Error&)>& report) {
  check_inputs_in(view, -1, report);
}

void check_inputs_in(const View& view, int root, const std::function<void(const Error&)>& report) {
  const InputRows rows(view);
  Inputs inputs(view, rows, root, nullptr);
  for (uint32_t i = 0; i < rows.size(); ++i)
    if (const Change change = inputs.compare(rows[i]); change != Change::none)
      report(reason(view, rows[i], change));
}

}  // namespace thaw::launch
