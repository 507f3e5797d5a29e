#include "inputs/observer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "image/machine.h"
#include "inputs/tracee.h"
#include "support/file.h"
#include "support/unique_fd.h"

namespace thaw::inputs {
namespace {

using arch::FileUse;

/// Made up by the kernel for each process, or no files at all.
constexpr std::string_view kNoFiles[] = {"/proc", "/sys", "/dev"};

bool is_file_of_disk(const std::string& path) {
  return std::none_of(std::begin(kNoFiles), std::end(kNoFiles), [&path](std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
  });
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// True where CPython's import (importlib's FileFinder) opens the folder: it asks for the folder's
/// time just before, by the same name.
bool imports_from(pid_t tid, const std::string& last_looked, const std::string& folder) {
  if (last_looked != folder) return false;
  const std::string program = link_of(tid, "exe");
  return base_name(program).starts_with("python");
}

bool is_missing(int64_t result) {
  return result == -ENOENT || result == -ENOTDIR;
}

/// Reads which program runs a script, as the kernel does (Documentation/admin-guide/binfmt-misc is
/// for others); empty: it is none.
std::string interpreter_of(const std::string& path) {
  char line[256] = {};
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid() || ::read(fd.get(), line, sizeof(line) - 1) < 3) return {};
  if (line[0] != '#' || line[1] != '!') return {};
  const std::string_view text(line + 2);
  const auto words = split(text.substr(0, text.find('\n')), " \t");
  return words.empty() || words[0][0] != '/' ? std::string() : std::string(words[0]);
}

}  // namespace

bool is_used(const Seen& seen) {
  return seen.read || seen.listed || seen.imported;
}

State state_of(const std::string& path, bool follow) {
  struct stat status = {};
  State state;
  if (fstatat(AT_FDCWD, path.c_str(), &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return state;
  constexpr int64_t kSecond = 1'000'000'000;
  state.there = true;
  state.dev = status.st_dev;
  state.ino = status.st_ino;
  state.size = static_cast<uint64_t>(status.st_size);
  state.mtime_ns = int64_t{status.st_mtim.tv_sec} * kSecond + status.st_mtim.tv_nsec;
  state.ctime_ns = int64_t{status.st_ctim.tv_sec} * kSecond + status.st_ctim.tv_nsec;
  state.mode = status.st_mode;
  return state;
}

void Observer::unseen(std::string what) {
  auto& all = findings_.unseen;
  if (std::find(all.begin(), all.end(), what) == all.end()) all.push_back(std::move(what));
}

void Observer::asked(model::MachineInput input) {
  const auto index = static_cast<uint32_t>(input);
  model::Machine& machine = findings_.machine;
  if ((machine.asked & 1u << index) != 0) return;
  machine.asked |= 1u << index;
  machine.values[index] = image::machine_value(input);
  if (input == model::MachineInput::host_name) findings_.host_name = image::host_name();
}

void Observer::asked_by_file(const std::string& path) {
  const uint32_t input = image::machine_input_of_file(path);
  if (input == model::kMachineInputs) return;
  asked(static_cast<model::MachineInput>(input));
  if (static_cast<model::MachineInput>(input) == model::MachineInput::host_name)
    findings_.host_name_used = true;
}

std::string Observer::absolute(pid_t tid, int folder, const std::string& path) {
  const std::string whole = absolute_path(tid, folder, path);
  if (whole.empty() || is_file_of_disk(whole)) return whole;
  asked_by_file(whole);
  return {};
}

void Observer::enter(pid_t tid, ThreadState& thread, long number, const uint64_t* arguments) {
  const arch::FileCall* what = arch::file_call(number);
  thread.call.what = nullptr;
  if (what == nullptr) return;
  Call call;
  call.what = what;
  std::copy(arguments, arguments + 6, call.arguments);
  auto folder = [&](int8_t index) {
    return index < 0 ? AT_FDCWD : static_cast<int>(static_cast<int32_t>(arguments[index]));
  };
  if (what->flags >= 0) call.flags = arguments[what->flags];
  if (what->use == FileUse::create) call.flags = O_CREAT | O_WRONLY | O_TRUNC;
  if (what->use == FileUse::open_how) {
    open_how how = {};
    copy(tid, arguments[what->flags], &how.flags, sizeof(how.flags));
    call.flags = how.flags;
  }
  if (what->path >= 0)
    call.path = absolute(tid, folder(what->folder), text_at(tid, arguments[what->path]));
  if (what->other_path >= 0)
    call.other =
        absolute(tid, folder(what->other_folder), text_at(tid, arguments[what->other_path]));
  const bool opens = what->use == FileUse::open || what->use == FileUse::open_how;
  if (what->use == FileUse::create || (opens && (call.flags & O_CREAT) != 0))
    call.was_there = !call.path.empty() && state_of(call.path, true).there;
  thread.call = std::move(call);
}

void Observer::leave(pid_t tid, ThreadState& thread, int64_t result, bool settling) {
  const Call call = thread.call;
  thread.call.what = nullptr;
  if (call.what == nullptr) return;
  switch (call.what->use) {
    case FileUse::open:
    case FileUse::open_how:
    case FileUse::create:
      thread.call = call;
      opened(tid, thread, result);
      thread.call.what = nullptr;
      if (result < 0) looked(call, result, settling);
      break;
    case FileUse::look:
    case FileUse::link:
      looked(call, result, settling);
      break;
    case FileUse::execute:
      if (result >= 0 && !call.path.empty()) {
        read(call.path);
        std::string script = call.path;
        for (int depth = 0; depth < 4 && !script.empty(); ++depth)
          if (script = interpreter_of(script); !script.empty()) read(tidy(script));
      }
      if (result < 0) looked(call, result, settling);
      break;
    case FileUse::list:
      if (result >= 0) listed(tid, static_cast<int>(call.arguments[0]));
      return;
    case FileUse::read:
      if (result >= 0 && !updated_.empty())
        content_read(tid, static_cast<int>(call.arguments[call.what->descriptor]));
      return;
    case FileUse::write:
      if (result < 0) break;
      written(call.path);
      written(call.other);
      break;
    case FileUse::ring:
      if (result >= 0)
        unseen("it uses io_uring (UV_USE_IO_URING=0 switches it off for Node and libuv)");
      break;
    case FileUse::handle:
      if (result >= 0) unseen("it opens files by handles");
      break;
    case FileUse::other_root:
      if (result >= 0) unseen("one of its processes changes its root directory");
      break;
    case FileUse::notify:
      if (result >= 0 && !call.path.empty()) findings_.calls.watched_paths.insert(call.path);
      return;
    case FileUse::host_name:
      if (tid != app_) findings_.host_name_used = true;
      return asked(model::MachineInput::host_name);
    case FileUse::cpus:
      return asked(model::MachineInput::allowed_cpus);
    case FileUse::memory:
      return asked(model::MachineInput::memory);
  }
  const bool is_look = call.what->use == FileUse::look && result >= 0;
  thread.last_looked = is_look ? call.path : std::string();
}

void Observer::opened(pid_t tid, ThreadState& thread, int64_t result) {
  const Call& call = thread.call;
  if (result < 0 || call.path.empty()) return;
  const std::string real = link_of_fd(tid, static_cast<int>(result));
  if (!is_file_of_disk(real)) return asked_by_file(real);  // By a link, as /etc/mtab.
  const bool follow = (call.flags & O_NOFOLLOW) == 0;
  State state = state_of(call.path, follow);
  // With O_PATH and O_NOFOLLOW, a link is opened itself.
  const bool link = state.there && S_ISLNK(state.mode);
  Seen& seen = (link ? findings_.links : findings_.files)[call.path];
  const bool was_used = is_used(seen);
  const bool known = seen.read || seen.looked || seen.listed || seen.written;
  const auto mode = static_cast<int>(call.flags & O_ACCMODE);
  if ((call.flags & O_PATH) != 0) {
    seen.looked = true;
  } else if (S_ISDIR(state.mode)) {
    seen.looked = true;
    folders_[real] = {call.path, imports_from(tid, thread.last_looked, call.path), false};
  } else if (mode == O_RDONLY) {
    seen.read = true;
    if (call.path.ends_with(".py")) findings_.files[folder_of(call.path)].sources = true;
  } else {
    if (!known && !call.was_there) seen.created = true;
    if (!seen.written) seen.logged = true;
    if ((call.flags & O_APPEND) == 0 || (call.flags & O_TRUNC) != 0) seen.logged = false;
    seen.written = true;
    if (mode == O_RDWR) updated_[real] = call.path;
    if (!call.was_there) names_changed(call.path);
  }
  if (!was_used) seen.last = state;
}

void Observer::looked(const Call& call, int64_t result, bool settling) {
  // What fails for another reason than the path says nothing of it.
  if (call.path.empty() || result == -EINTR || result == -EMFILE || result == -ENFILE ||
      result == -ENOMEM || result == -EFAULT || result == -EACCES || result == -EPERM ||
      result <= -512)
    return;
  const bool opens = call.what->use == FileUse::open || call.what->use == FileUse::open_how;
  const bool itself = call.what->use == FileUse::link ||
                      (call.what->use == FileUse::look && call.what->flags >= 0 &&
                       (call.flags & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (opens && (call.flags & O_NOFOLLOW) != 0);
  State state = state_of(call.path, !itself);
  const bool link = itself && state.there && S_ISLNK(state.mode);
  Seen& seen = (link ? findings_.links : findings_.files)[call.path];
  const bool was_used = is_used(seen);
  seen.looked = true;
  if (settling) ++seen.polls;
  // The call's own answer counts where the file has just come or gone.
  if (is_missing(result)) state = State();
  if (state.there && call.path.ends_with(".py"))
    findings_.files[folder_of(call.path)].sources = true;
  if (!was_used) seen.last = state;
}

void Observer::listed(pid_t tid, int fd) {
  const std::string real = link_of_fd(tid, fd);
  auto found = folders_.find(real);
  if (found == folders_.end()) {
    if (real.empty() || real[0] != '/' || !is_file_of_disk(real)) return;
    found = folders_.emplace(real, Folder{real}).first;
  }
  Folder& folder = found->second;
  if (folder.counted) return;  // One listing takes several calls.
  folder.counted = true;
  Seen& seen = findings_.files[folder.path];
  seen.last = state_of(folder.path, true);
  // CPython's import lists a folder anew only once that has another time.
  const bool by_import = folder.by_import && seen.imported_mtime_ns != seen.last.mtime_ns;
  if (by_import) {
    seen.imported = true;
    seen.sources = seen.sources || link_of(tid, "cwd") == folder.path;
    seen.imported_mtime_ns = seen.last.mtime_ns;
  } else {
    seen.listed = true;
  }
}

void Observer::content_read(pid_t tid, int fd) {
  const auto found = updated_.find(link_of_fd(tid, fd));
  if (found != updated_.end()) read(found->second);
}

void Observer::read(const std::string& path) {
  if (!is_file_of_disk(path)) return;
  Seen& seen = findings_.files[path];
  if (!is_used(seen)) seen.last = state_of(path, true);
  seen.read = true;
}

void Observer::written(const std::string& path) {
  if (path.empty()) return;
  Seen& seen = findings_.files[path];
  if (!seen.read && !seen.looked && !seen.listed && !seen.written) seen.created = true;
  seen.written = true;
  seen.logged = false;
  names_changed(path);
}

/// The folder that holds it is changed by the app itself.
void Observer::names_changed(const std::string& path) {
  findings_.files[folder_of(path)].written = true;
}

void Observer::executed(pid_t tid) {
  if (tid == app_ && !findings_.host_name.empty()) findings_.host_name_used = true;
  // With the dynamic loader and whatever else the kernel has mapped.
  auto maps = read_file("/proc/" + std::to_string(tid) + "/maps");
  if (!maps) return;
  for (const std::string_view line : split(maps.value(), "\n"))
    if (const size_t slash = line.find('/'); slash != std::string_view::npos)
      if (const std::string path(line.substr(slash)); !path.ends_with(" (deleted)")) read(path);
}

}  // namespace thaw::inputs
