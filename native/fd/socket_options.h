// Socket options, as a table: which ones a checkpoint keeps and when a launch sets them again.
#pragma once

#include <cstdint>

#include "support/result.h"

namespace thaw::fd {

struct SocketOption {
  int32_t level = 0;
  int32_t name = 0;
  uint32_t size = 0;  ///< bytes of `value` used
  uint8_t value[32] = {};
};

/// The options of one socket that differ from those of a new one.
struct SocketOptions {
  static constexpr uint32_t kMax = 40;
  uint32_t count = 0;
  SocketOption rows[kMax];
};

/// When an option must be set: before bind(2), or when all else of the socket is in place.
enum class OptionPhase : uint32_t { before_bind, last };

/// Reads from `fd` all options that differ from those of `fresh`, a new socket of the same type in
/// the same network namespace. Fails when there are more than SocketOptions::kMax.
Result<void> read_options(int fd, int fresh, SocketOptions& out);

/// Sets the options of that phase. EPERM (SO_MARK, IP_TRANSPARENT, ... without the capability) is
/// an error.
Result<void> apply_options(int fd, const SocketOptions& options, OptionPhase phase);

/// What is wrong with the record, or null: every row must stand in the table, with the table's
/// size.
const char* validate_options(const SocketOptions& options);

}  // namespace thaw::fd
