// Libraries that draw new random numbers when the pid is another one than they have kept: that word
// must not be put right by a launch, which is a fork to them.
#pragma once

#include <cstdint>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

class ForkDetectors {
 public:
  ForkDetectors(const ProcessCapture& process, OpensslVersions& versions);

  enum class Keeper {
    nobody,
    openssl,  ///< a generator of OpenSSL, which draws anew if it finds any other number there
    library,  ///< the data of a library that is known for it
  };
  /// Whose the word at `address` is if it holds the pid.
  [[nodiscard]] Keeper keeper_of(uint64_t address) const;

  /// Some OpenSSL is there whose generators' layout is not known: any word may be one's.
  [[nodiscard]] bool may_be_anywhere() const { return unknown_openssl_; }
  /// Something repeats its random numbers where an app keeps its pid.
  [[nodiscard]] bool need_new_pid() const { return unknown_openssl_ || library_; }

 private:
  const ProcessCapture& process_;
  bool unknown_openssl_ = false;
  bool library_ = false;
};

}  // namespace thaw::checkpoint
