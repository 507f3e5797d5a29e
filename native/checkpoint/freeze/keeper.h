// Several processes that stand still shall all go on or none, also where this one is killed: those
// in which it makes calls would be killed by the kernel (PTRACE_O_EXITKILL), the others run on alone.
#pragma once

#include <span>
#include <utility>

#include "checkpoint/freeze/freeze.h"

namespace thaw::checkpoint {

/// A process that ends all of them when this one ends, as long as it lives.
class Keeper {
 public:
  Keeper() = default;
  /// For processes that stand still. Fails with EAGAIN at a limit of processes.
  static Result<Keeper> begin(std::span<const Freeze> processes);
  Keeper(Keeper&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Keeper& operator=(Keeper&& other) noexcept;
  /// From there on they are on their own.
  ~Keeper();

 private:
  void end();

  pid_t pid_ = 0;  ///< 0: none
};

}  // namespace thaw::checkpoint
