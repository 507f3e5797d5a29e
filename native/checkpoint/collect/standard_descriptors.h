// Which of the app's descriptors are its caller's 0, 1 and 2, also under other numbers.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "checkpoint/capture.h"
#include "fd/open_file.h"

namespace thaw::checkpoint {

constexpr int kFirstOwn = 3;

class StandardDescriptors {
 public:
  /// What the app was given as 0, 1 and 2 when it was started. `at_numbers`, what the root has there now, stands for that
  /// where thaw has not started it; both have to outlive this.
  StandardDescriptors(const Capture& capture,
                      std::span<const fd::Probe* const, kFirstOwn> at_numbers);

  /// Bit n: it is the caller's n. Terminals and pipes that the app has opened again are, too.
  [[nodiscard]] uint32_t find(const fd::Probe& p) const;

 private:
  struct File {
    const struct stat* status;
    int access;  ///< O_ACCMODE
    int copy;    ///< of its description, -1: there is none
  };
  [[nodiscard]] bool is_opened_again(const fd::Probe& p, int number) const;

  std::array<std::optional<File>, kFirstOwn> files_;
  pid_t root_;
};

}  // namespace thaw::checkpoint
