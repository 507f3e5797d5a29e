#include "launch/check/check.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

#include "arch/arch.h"
#include "fd/kind.h"
#include "image/known_file.h"
#include "launch/prepare/time_namespace.h"
#include "support/file.h"
#include "support/kernel.h"

namespace thaw::launch {
namespace {

using image::View;

arch::CpuFeatures needed_features(const View& view) {
  arch::CpuFeatures needed;
  memcpy(needed.words, view.requirements_record().cpu_features, sizeof(needed.words));
  return needed;
}

Result<void> check_cpu(const View& view) {
  if (view.header().cpu != arch::kCpu)
    return Error{0, std::string("the image is for another CPU than ") + arch::kCpuName,
                 "build it for this one"};
  const std::string missing = arch::missing_features(needed_features(view), arch::cpu_features());
  if (missing.empty()) return {};
  return Error{0, "this CPU lacks what the app was warmed up with (" + missing + ")",
               "build the image on the oldest CPU of the fleet"};
}

Result<void> check_kernel(const View& view) {
  if (auto layout = check_memory_layout_call(); !layout) {
    THAW_TRY(check_not_emulated());  // The better reason, if it is one.
    return layout;
  }
  if (view.header().cpu != arch::kCpu) return {};
  if (const char* problem = arch::frame_problem(needed_features(view)))
    return Error{0, problem, "build the image with this kernel"};
  return {};
}

Result<void> check_page_size(const View& view) {
  const long size = sysconf(_SC_PAGESIZE);
  if (view.header().page_size == static_cast<uint32_t>(size)) return {};
  return Error{0,
               "the image was made with pages of " + std::to_string(view.header().page_size) +
                   " bytes, this kernel has " + std::to_string(size),
               "build it with this kernel"};
}

Result<void> check_user(const View& view) {
  const model::Requirements& needs = view.requirements_record();
  if (needs.euid == geteuid() && needs.egid == getegid() && getuid() == geteuid() &&
      getgid() == getegid())
    return {};
  return Error{0,
               "the image was made by user " + std::to_string(needs.euid) + " and group " +
                   std::to_string(needs.egid) + ", the caller is " + std::to_string(geteuid()) +
                   " and " + std::to_string(getegid()),
               "set `user` in the profile to the user that launches it"};
}

Result<void> check_security_label(const View& view) {
  const std::string_view wanted = view.bytes(view.requirements_record().security_label);
  UniqueFd fd(open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC));
  char text[256] = {};
  ssize_t size = fd.valid() ? read(fd.get(), text, sizeof(text) - 1) : 0;
  if (size < 0) size = 0;
  const std::string_view label = trim({text, strnlen(text, static_cast<size_t>(size))});
  if (label == wanted) return {};
  return Error{0, "the app ran in the security context '" + std::string(wanted) +
                      "', the caller is in '" + std::string(label) + "'"};
}

Result<void> check_program(const View& view) {
  const model::Requirements& needs = view.requirements_record();
  if (needs.program_file == model::kNone)
    return Error{0, "the image does not say which program it is of"};
  const model::File& file = view.files()[needs.program_file];
  const char* path = view.bytes(file.path).data();
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) fd.reset(open(path, O_PATH | O_CLOEXEC));
  if (!fd.valid()) return errno_error(std::string("cannot open the program ") + path);
  struct stat status = {};
  if (fstat(fd.get(), &status) != 0)
    return errno_error(std::string("cannot stat the program ") + path);
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0)
    return Error{0, std::string(path) + " is set-user-id or set-group-id: exec alone may start it"};
  if (getxattr(path, "security.capability", nullptr, 0) > 0)
    return Error{0, std::string(path) + " has file capabilities: exec alone may start it"};
  return check_file(view, file, fd.get());
}

Result<void> check_descriptors(const View& view) {
  const auto kinds = fd::kinds();
  for (const model::OpenFile& file : view.open_files()) {
    if (file.kind >= kinds.size())
      return Error{0, "the image holds a descriptor of an unknown kind"};
    if (kinds[file.kind].validate == nullptr) continue;
    if (const char* problem = kinds[file.kind].validate(view, file))
      return Error{0,
                   std::string("the image's ") + kinds[file.kind].name + " is broken: " + problem};
  }
  return {};
}

Result<void> check_processes(const View& view) {
  if (view.processes().size() == 1) return {};
  return Error{0, "the image holds a tree of processes, this thaw-exec restores one"};
}

struct Condition {
  const char* name;
  Result<void> (*check)(const View&);
};

constexpr Condition kConditions[] = {
    {"kernel", check_kernel},  // First: what emulates a kernel emulates another CPU, too.
    {"cpu", check_cpu},
    {"page size", check_page_size},
    {"processes", check_processes},
    {"user", check_user},
    {"program", check_program},
    {"security context", check_security_label},
    {"descriptors", check_descriptors},
    {"clock", check_clock},
};

}  // namespace

Result<void> check_launch(const View& view) {
  for (const Condition& condition : kConditions) THAW_TRY(condition.check(view));
  return {};
}

void check_all(const View& view, const std::function<void(const char*, const Error&)>& report) {
  for (const Condition& condition : kConditions)
    if (auto result = condition.check(view); !result) report(condition.name, result.error());
  for (const model::File& file : view.files()) {
    if ((file.flags & (model::kFileMapped | model::kFileKeptOpen)) == 0) continue;
    const char* path = view.bytes(file.path).data();
    UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) fd.reset(open(path, O_PATH | O_CLOEXEC));
    if (!fd.valid()) {
      report("file", errno_error(std::string("cannot open ") + path));
      continue;
    }
    if (auto result = check_file(view, file, fd.get()); !result) report("file", result.error());
  }
}

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

Result<void> check_owner(int fd, const char* path) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error(std::string("cannot stat ") + path);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return Error{0,
                 std::string(path) + " belongs to user " + std::to_string(status.st_uid) +
                     ", who is neither root nor the caller",
                 "chown it"};
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{0, std::string(path) + " can be written by others", "chmod go-w it"};
  return {};
}

}  // namespace thaw::launch
