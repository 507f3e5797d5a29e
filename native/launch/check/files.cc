#include "launch/check/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "image/known_file.h"
#include "support/unique_fd.h"

namespace thaw::launch {

using image::View;

namespace {

/// A file that the caller may only execute can be told by its identity alone.
UniqueFd open_to_check(const char* path) {
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) fd.reset(open(path, O_PATH | O_CLOEXEC));
  return fd;
}

/// By path where the descriptor is one of O_PATH, which fgetxattr(2) refuses.
bool has_capabilities(const std::string& path, int fd) {
  constexpr const char* kName = "security.capability";
  const ssize_t size = fgetxattr(fd, kName, nullptr, 0);
  if (size < 0 && errno == EBADF) return getxattr(path.c_str(), kName, nullptr, 0) > 0;
  return size > 0;
}

}  // namespace

Result<void> check_file(const View& view, const model::File& file, int fd) {
  struct stat status = {};
  const std::string path(view.bytes(file.path));
  if (fstat(fd, &status) != 0) return errno_error("cannot stat " + path);
  if (!S_ISREG(status.st_mode)) return {};
  switch (image::compare(view, file, fd, status)) {
    case image::Likeness::same:
      return {};
    case image::Likeness::changed:
      return Error{0, path + " has changed since the image was made", "build the profile again"};
    case image::Likeness::other:
      break;
  }
  return Error{0, path + " is not the file that the image was made with",
               "build the profile again"};
}

Result<void> check_privilege(const std::string& path, int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error("cannot stat " + path);
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0)
    return Error{0, path + " is set-user-id or set-group-id: exec alone may start it"};
  if (has_capabilities(path, fd))
    return Error{0, path + " has file capabilities: exec alone may start it"};
  return {};
}

Result<void> check_program(const View& view) {
  const model::Requirements& needs = view.requirements_record();
  if (needs.program_file == model::kNone)
    return Error{0, "the image does not say which program it is of"};
  const model::File& file = view.files()[needs.program_file];
  const std::string path(view.bytes(file.path));
  const UniqueFd fd = open_to_check(path.c_str());
  if (!fd.valid()) return errno_error("cannot open the program " + path);
  THAW_TRY(check_privilege(path, fd.get()));
  return check_file(view, file, fd.get());
}

void check_files(const View& view, const std::function<void(const Error&)>& report) {
  for (const model::File& file : view.files()) {
    if ((file.flags & (model::kFileMapped | model::kFileKeptOpen)) == 0) continue;
    const char* path = view.bytes(file.path).data();
    const UniqueFd fd = open_to_check(path);
    if (!fd.valid()) {
      report(errno_error(std::string("cannot open ") + path));
      continue;
    }
    if (auto result = check_file(view, file, fd.get()); !result) report(result.error());
  }
}

}  // namespace thaw::launch
