// Descriptors that come back by their name: what an image keeps of them, and whether the name still
// leads to the same thing.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// What a descriptor that is opened by name is known by.
struct PathRecord {
  model::Blob path;
  uint64_t dev = 0;
  uint64_t ino = 0;
  uint64_t rdev = 0;
  uint32_t mode = 0;
  uint32_t reserved = 0;
};

// ---- at checkpoint

/// What a name in /proc/PID means.
struct ProcPlace {
  pid_t pid = 0;
  std::string_view name;  ///< behind the number: "/statm", or nothing

  /// In the folder of one of its threads, whose number no launch knows.
  [[nodiscard]] bool is_of_thread() const { return name.starts_with("/task/"); }
};
/// Refers to `link`; nullopt: it is no such name.
std::optional<ProcPlace> proc_place(std::string_view link);

/// True if the probe's name leads to what the descriptor refers to.
bool name_leads_to_it(const Probe&);

/// The probe's name for a launch, where the directory in /proc of the app's first process has another
/// number. Empty: it is another process's or a thread's, and there is no such name: refuse_number().
std::string name_at_launch(const Probe&);
Error refuse_number(const Probe&, policy::Type type);

PathRecord path_record(Collector&, const Probe&, std::string_view path);

// ---- at launch

/// A PathRecord with a sound path, or null.
const PathRecord* valid_path_record(const image::View&, const model::OpenFile&);

/// Whether the path is one that can be opened: absolute, and a string for the kernel.
bool valid_path(const image::View&, model::Blob path);

}  // namespace thaw::fd
