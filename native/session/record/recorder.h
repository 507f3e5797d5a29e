// What is kept of a conversation while the app warms up. Each protocol has one of its own.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::session {

/// Of a conversation, for an image.
struct Recorded {
  std::string script;                 ///< as the protocol's play() reads it
  std::string note;                   ///< for `thaw show`
  std::vector<std::string> warnings;  ///< what somebody should know of the image
};

/// Why a conversation cannot be had again, for a refusal.
struct Reason {
  std::string why;
  std::string remedy;
};

class Recorder {
 public:
  virtual ~Recorder() = default;

  /// What one side has sent, with the descriptors that came with it.
  virtual void from_app(std::string_view bytes, std::span<const UniqueFd> fds) = 0;
  /// What it leaves of the bytes, the app is told; it may add later what it has left out.
  virtual void from_server(std::string& bytes, std::span<const UniqueFd> fds) = 0;

  /// An error of EAGAIN while something of the conversation is under way: another moment is better for a
  /// checkpoint. The app may run meanwhile.
  [[nodiscard]] virtual Result<void> check_rest() const = 0;

  /// The app is frozen, and everything that it has sent was seen. An error of errno 0 is a refusal,
  /// one of EAGAIN asks for another moment: its message goes on from "is connected to ...".
  /// `others`: of the app's processes, which may have copies of what only `app` is told anew.
  /// `untold`: what the server has sent meanwhile, which the app will never read.
  virtual Result<Recorded> recorded(pid_t app, std::span<const pid_t> others,
                                    std::string_view untold) = 0;
};

}  // namespace thaw::session
