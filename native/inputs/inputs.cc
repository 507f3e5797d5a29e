#include "inputs/inputs.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>

#include "image/fingerprint.h"
#include "image/hash.h"
#include "image/machine.h"
#include "image/root_identity.h"
#include "inputs/on_root.h"
#include "support/file.h"
#include "support/pid_file.h"
#include "support/unique_fd.h"

namespace thaw::inputs {
namespace {

using model::InputKind;

/// Named by the pid of the JVM that writes them, for tools that watch it.
constexpr const char* kNoise[] = {"/tmp/hsperfdata_*", "/tmp/.java_pid*", "*/.attach_pid*"};

/// More than this often looked up while the app was left alone: it will look again.
constexpr uint32_t kPolls = 2;

bool is_polled(const Seen& seen) {
  return seen.polls >= kPolls && !seen.read && !seen.listed && !seen.imported;
}

/// CPython makes these of sources, which are inputs themselves.
bool is_cache(const std::string& path) {
  return path.ends_with(".pyc") && path.find("/__pycache__/") != std::string::npos;
}

/// Whether an app's next start would look at it: not at what it only writes, or has made itself and
/// taken away again.
bool is_input(const std::string& path, const Seen& seen, const State& now) {
  if (is_polled(seen) || (!now.there && is_cache(path))) return false;
  if (seen.created && !now.there) return false;
  if (seen.logged && !seen.read) return false;
  return seen.read || seen.looked || seen.listed || seen.imported;
}

InputKind kind_of(const Seen& seen, const State& now) {
  if (!now.there) return InputKind::missing;
  // What the app only looked at and has written since, it knows nothing else of.
  const bool only_written = seen.written && !is_used(seen);
  if (S_ISREG(now.mode)) return only_written ? InputKind::exists : InputKind::file;
  if (!S_ISDIR(now.mode)) return InputKind::exists;
  if (seen.imported && seen.sources && !seen.listed) return InputKind::modules;
  return seen.listed || seen.imported ? InputKind::directory : InputKind::exists;
}

/// For a kind that compares no more than that, changes of all else are none.
bool changed(InputKind kind, const State& then, const State& now) {
  if (then.there != now.there) return true;
  if (kind == InputKind::exists) return (then.mode & S_IFMT) != (now.mode & S_IFMT);
  return kind != InputKind::missing && then != now;
}

}  // namespace

model::Machine machine_inputs(const Findings& findings, const Rules& rules) {
  model::Machine machine = findings.machine;
  const auto& ignored = rules.ignore_machine;
  for (uint32_t i = 0; i < model::kMachineInputs; ++i)
    if (std::find(ignored.begin(), ignored.end(), image::kMachineWords[i].key) != ignored.end())
      machine.asked &= ~(1u << i);
  return machine;
}

bool Rules::ignores(const std::string& path) const {
  auto matches = [&path](const std::string& pattern) {
    return fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
  };
  return std::any_of(ignore.begin(), ignore.end(), matches) ||
         std::any_of(std::begin(kNoise), std::end(kNoise), matches);
}

Findings Fingerprinter::with_added(const Findings& findings) const {
  Findings all = findings;
  for (const std::string& pattern : rules_.add) {
    glob_t found = {};
    const bool any = glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0;
    for (size_t i = 0; any && i < found.gl_pathc; ++i) {
      Seen& seen = all.files[found.gl_pathv[i]];
      const State now = state_of(found.gl_pathv[i], true);
      if (!is_used(seen)) seen.last = now;
      (S_ISDIR(now.mode) ? seen.listed : seen.read) = true;
      seen.polls = 0;
    }
    globfree(&found);
    // What matches later is new in its folder; a name without a pattern may come.
    const bool is_pattern = pattern.find_first_of("*?[") != std::string::npos;
    if (any && !is_pattern) continue;
    const std::string path = is_pattern ? pattern.substr(0, pattern.rfind('/')) : pattern;
    if (path.empty() || path.find_first_of("*?[") != std::string::npos) continue;
    Seen& seen = all.files[path];
    if (!is_used(seen)) seen.last = state_of(path, true);
    (is_pattern ? seen.listed : seen.looked) = true;
  }
  return all;
}

uint64_t Fingerprinter::content(const std::string& path, const State& state, InputKind kind) {
  const std::string key = std::to_string(static_cast<uint32_t>(kind)) + path;
  const auto found = known_.find(key);
  if (found != known_.end() && found->second.first == state) return found->second.second;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::optional<uint64_t> hash;
  if (fd.valid() && kind == InputKind::file) hash = image::hash_content(fd.get());
  if (fd.valid() && kind == InputKind::directory)
    hash = image::hash_names(fd.get(), image::Names::all);
  if (fd.valid() && kind == InputKind::modules)
    hash = image::hash_names(fd.get(), image::Names::modules);
  // Zero, for what cannot be read: it is known by its state alone.
  const uint64_t value = hash.value_or(0);
  known_[key] = {state, value};
  return value;
}

namespace {

model::Input record_of(const State& state, InputKind kind) {
  model::Input record;
  record.kind = kind;
  record.ino = state.ino;
  record.size = state.size;
  record.mtime_ns = state.mtime_ns;
  record.ctime_ns = state.ctime_ns;
  record.mode = state.mode;
  return record;
}

/// Where inodes and times tell nothing of it, as those of a build that can be repeated.
Result<void> read_always(const std::string& file, std::vector<Input>& inputs) {
  const State now = state_of(file, true);
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  Input input{file, record_of(now, InputKind::file)};
  if (fd.valid() && S_ISREG(now.mode) && now.size <= image::kMostToRead)
    input.record.content = image::hash_content(fd.get()).value_or(0);
  if (input.record.content == 0)
    return Error{0,
                 "inputs.root_identity names " + file + ", which no launch could read and compare",
                 "name a regular file that can be read, or leave inputs.root_identity out"};
  input.record.flags = model::kInputReadAlways;
  for (Input& known : inputs)
    if (known.path == file && known.record.kind == InputKind::file) {
      known.record.flags |= model::kInputReadAlways;
      return {};
    }
  inputs.push_back(std::move(input));
  return {};
}

/// Without a name where it stands for no file system.
Root root_named_by(const std::string& file, const image::RootState& found,
                   std::vector<Input>& inputs) {
  OnRoot root(found.device, found.mount);
  if (!found.stands() || !root.holds(file, true)) return {};
  std::vector<Input*> held;
  for (Input& input : inputs)
    if (root.holds(input.path, input.record.kind != InputKind::link)) held.push_back(&input);
  const std::string folders = root.folders();
  const image::RootState state = image::root_state(file.c_str(), folders);
  if (!state.stands() || state.content != found.content) return {};
  for (Input* input : held) input->record.flags |= model::kInputOnRoot;
  return {file, folders, state.content, state.mounts};
}

}  // namespace

Result<Root> root_of(const Rules& rules, std::vector<Input>& inputs) {
  const std::string& file = rules.root_identity;
  if (file.empty()) return Root{};
  const image::RootState found = image::root_state(file.c_str(), {});
  const bool is_folder = S_ISDIR(state_of(file, true).mode);
  // Where all are read that it does not stand for, nothing else has to tell of another version.
  const bool reads_all = found.stands() && found.kind == image::RootKind::unwritable;
  if (!is_folder && !reads_all) THAW_TRY(read_always(file, inputs));
  Root root = root_named_by(file, found, inputs);
  if (!is_folder && reads_all && root.file.empty()) THAW_TRY(read_always(file, inputs));
  return root;
}

RootKnown known_root(const std::string& name) {
  const image::RootState state = image::root_state(name.c_str(), {});
  if (!state.stands()) return {state.kind, state.why_not, 0};
  OnRoot root(state.device, state.mount);
  const bool held = root.holds(name, true);
  return {state.kind, held ? "" : "has a path that leads out of its file system and in again",
          state.content};
}

Result<void> Fingerprinter::add_file(const std::string& path, const Seen& seen,
                                     std::vector<Input>& inputs) {
  const State now = state_of(path, true);
  if (!is_input(path, seen, now)) return {};
  const InputKind kind = kind_of(seen, now);
  if (!seen.written && changed(kind, seen.last, now))
    return Error{0, path + " was changed while the app, which uses it, was warming up",
                 "build again, or set inputs.ignore = [\"" + path + "\"] in the profile"};
  Input input{path, record_of(now, kind)};
  if (kind != InputKind::missing && kind != InputKind::exists)
    input.record.content = content(path, now, kind);
  // A pid file says nothing to the next start.
  if (kind == InputKind::file && seen.written && now.size <= kMostOfPidFile)
    if (auto text = read_file(path); text && behind_pid(text.value(), pid_)) return {};
  if (seen.written && seen.read) input.record.flags |= model::kInputWritten;
  if (!image::has_change_times(path.c_str(), now.mtime_ns, now.ctime_ns))
    input.record.flags |= model::kInputNoChangeTime;
  inputs.push_back(std::move(input));
  return {};
}

void Fingerprinter::add_link(const std::string& path, std::vector<Input>& inputs) {
  const State now = state_of(path, false);
  auto target = read_link(path);
  if (!now.there || !target) return;
  Input input{path, record_of(now, InputKind::link)};
  input.record.content = image::hash(target.value().data(), target.value().size());
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  if (!image::has_change_times(folder.c_str(), now.mtime_ns, now.ctime_ns))
    input.record.flags |= model::kInputNoChangeTime;
  inputs.push_back(std::move(input));
}

Result<std::vector<Input>> Fingerprinter::inputs(const Findings& findings, pid_t app) {
  pid_ = app;
  if (!findings.unseen.empty())
    return Error{0, "not all files that the app uses can be watched: " + findings.unseen.front(),
                 "change that, or set inputs.watch = false in the profile: its image is then "
                 "launched whatever has changed"};
  const Findings all = with_added(findings);
  std::vector<Input> inputs;
  for (const auto& [path, seen] : all.files)
    if (!rules_.ignores(path)) THAW_TRY(add_file(path, seen, inputs));
  for (const auto& [path, seen] : all.links)
    if (!rules_.ignores(path)) add_link(path, inputs);
  // Those of one folder follow each other: a launch looks a folder up once.
  std::stable_sort(inputs.begin(), inputs.end(), [](const Input& a, const Input& b) {
    const size_t slash_a = a.path.rfind('/'), slash_b = b.path.rfind('/');
    return a.path.compare(0, slash_a, b.path, 0, slash_b) < 0;
  });
  return inputs;
}

}  // namespace thaw::inputs
