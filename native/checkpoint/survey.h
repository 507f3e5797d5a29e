// What stands in the way of a checkpoint, all of it at once: who has to change an app shall not
// have to build once for each thing.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Every refusal that can be told while the process runs on: of itself, of its descriptors and
/// mappings. Empty: a checkpoint finds none of these.
std::vector<Error> survey(const Request& request);

/// `first`, which a checkpoint has met, with all others that it would have met after that.
Error with_others(const Request& request, const Error& first);

/// What of the process looks like a key that is kept out of core dumps, and is in the image; in
/// words.
std::vector<std::string> secrets_of(const ProcessCapture& process);

}  // namespace thaw::checkpoint
