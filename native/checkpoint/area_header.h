// The first bytes of every thaw area: a checkpoint of a restored app knows by them what to leave
// out, and which program the app is (for an ordinary user /proc/PID/exe shows thaw-exec).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/capture.h"
#include "shim/tables.h"

namespace thaw::checkpoint {

struct AreaHeader {
  uint64_t start = 0;
  uint64_t size = 0;
  std::string program;
};

/// The bytes, to be followed by the signal frames.
std::vector<uint8_t> area_header(const AreaHeader& header);

/// The thaw area of a restored app; empty for others.
std::optional<AreaHeader> find_area(const ProcessCapture& process);

/// What its shim works with.
std::optional<shim::Tables> find_tables(const ProcessCapture& process);

/// Code of its program that a launch has replaced.
std::vector<shim::ChangedSite> changed_sites(const ProcessCapture& process);

}  // namespace thaw::checkpoint
