// Where an app keeps a text that a server has given it, and that another launch is given otherwise.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::session {

/// A string of its own: all of a piece of memory that malloc(3) of glibc has given, ended by NUL,
/// with no length of it beside any pointer to it. It can be replaced by a longer or shorter one.
struct OwnString {
  uint64_t address = 0;
  uint64_t room = 0;  ///< in bytes
};

struct KeptText {
  std::vector<OwnString> strings;
  /// Where it stands in any other way, with what is around it.
  std::vector<std::pair<uint64_t, std::string>> others;
};

/// Whether what stands around a place is a message that has come, which stays as it was: `before`
/// are the bytes up to the text, as many as there are, 64 at most.
using IsMessage = bool (*)(const void* of, std::string_view before, std::string_view text);

/// In the memory of a frozen process, which this one traces. `text` counts only where it is no part
/// of a longer word.
Result<KeptText> find_kept(pid_t pid, const std::string& text, IsMessage is_message,
                           const void* of);

}  // namespace thaw::session
