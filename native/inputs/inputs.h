// The inputs of an image: what was found in the warm-up, less what by docs/inputs.md is none, each
// with its fingerprint.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "image/model.h"
#include "image/root_identity.h"
#include "inputs/findings.h"
#include "support/result.h"

namespace thaw::inputs {

/// What a profile says of its inputs: patterns of absolute paths, as those of policies.
struct Rules {
  std::vector<std::string> ignore;
  std::vector<std::string> add;             ///< as glob(7) takes them
  std::vector<std::string> ignore_machine;  ///< words of image::kMachineWords
  std::string root_identity;  ///< what names its file system's content; empty: nothing

  [[nodiscard]] bool ignores(const std::string& path) const;
};

struct Input {
  std::string path;
  model::Input record;  ///< without its path
};

/// What of the machine the app has asked for, less what the rules leave out.
model::Machine machine_inputs(const Findings& findings, const Rules& rules);

/// A read-only file system that one of its files, or the mount of a folder, names.
struct Root {
  std::string file;     ///< or the folder; empty: there is none
  std::string folders;  ///< as model::RootIdentity has them
  uint64_t content = 0, mounts = 0;
};

/// That of the rules, if it is one. Marks the inputs that it stands for. One that is none becomes an
/// input that each launch reads; an error where a launch cannot.
Result<Root> root_of(const Rules& rules, std::vector<Input>& inputs);

/// What `name` is, as a root identity, for people.
struct RootKnown {
  image::RootKind kind;
  std::string why_not;  ///< empty: it stands for a file system, of this kind
  uint64_t content;     ///< as an image has it (model::RootIdentity)
};
RootKnown known_root(const std::string& name);

/// Makes fingerprints. What it has read once it does not read again, as long as its state is the
/// same: most of the work can be done before the app is frozen.
class Fingerprinter {
 public:
  explicit Fingerprinter(const Rules& rules) : rules_(rules) {}

  /// Fails where something that the app had read was changed since by somebody else.
  Result<std::vector<Input>> inputs(const Findings& findings, pid_t app);

 private:
  Result<void> add_file(const std::string& path, const Seen& seen, std::vector<Input>& inputs);
  void add_link(const std::string& path, std::vector<Input>& inputs);
  uint64_t content(const std::string& path, const State& state, model::InputKind kind);
  [[nodiscard]] Findings with_added(const Findings& findings) const;

  const Rules& rules_;
  pid_t pid_ = 0;
  std::map<std::string, std::pair<State, uint64_t>> known_;
};

}  // namespace thaw::inputs
