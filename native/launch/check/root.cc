#include "launch/check/root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch/check/files.h"
#include "launch/check/inputs.h"
#include "support/unique_fd.h"

namespace thaw::launch {
namespace {

/// The device's `path`, in its root.
UniqueFd open_in_root(int root, const char* path) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof(how))));
}

bool is_checked(const model::File& file) {
  return (file.flags & (model::kFileMapped | model::kFileKeptOpen | model::kFileProgram)) != 0;
}

}  // namespace

void check_root(const image::View& view, const char* root,
                const std::function<void(const char* condition, const Error&)>& report) {
  UniqueFd folder(open(root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) {
    report("root", errno_error(std::string("cannot open the root ") + root));
    return;
  }
  for (const model::File& file : view.files()) {
    if (!is_checked(file) || !S_ISREG(file.mode)) continue;
    const std::string path(view.bytes(file.path));
    const bool program = (file.flags & model::kFileProgram) != 0;
    const char* condition = program ? "program" : "file";
    UniqueFd fd = open_in_root(folder.get(), path.c_str());
    if (!fd.valid()) {
      report(condition, errno_error(path + " is not in the root"));
      continue;
    }
    if (auto result = check_file(view, file, fd.get()); !result) report(condition, result.error());
    if (!program) continue;
    if (auto result = check_privilege(path, fd.get()); !result) report(condition, result.error());
  }
  check_inputs_in(view, folder.get(), [&report](const Error& error) { report("input", error); });
}

}  // namespace thaw::launch
