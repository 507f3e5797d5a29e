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
