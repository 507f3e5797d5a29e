// A protocol whose conversations can be had again: what of them makes state is recorded in the
// warm-up, and played on a fresh connection at each launch. Each protocol is a folder here and one
// row of the table in protocols.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "session/stream.h"
#include "support/result.h"
#include "support/told_text.h"

namespace thaw::session {

class Recorder;  // record/recorder.h

/// Whether so many bytes at an address are the app's, and it can write them.
using Writable = std::function<bool(uint64_t address, uint64_t size)>;

/// A launch that has the conversation again.
struct Playing {
  Stream& stream;
  std::string_view script;
  std::vector<ToldText>& texts;  ///< what the server has told otherwise than the app remembers
  /// A descriptor of the app's shared memory with that device and inode, which stays the launch's;
  /// an error where the image has none.
  std::function<Result<int>(uint64_t device, uint64_t inode)> memory;
  /// Begins anew, on another connection.
  std::function<Result<void>()> connect_again;
};

struct Protocol {
  uint32_t id;  ///< what images call it by: never changed, never given to another
  const char* name;
  /// The first bytes that the app sends; at checkpoint.
  bool (*begins)(std::string_view);
  std::unique_ptr<Recorder> (*record)();
  /// Checks a script of an image that may come from anywhere. The message on failure, else null.
  const char* (*validate)(std::string_view script, const Writable& writable);
  /// The app knows all that the server has sent, and nothing of what still waits in the socket. Any
  /// answer but the recorded one is an error.
  Result<void> (*play)(Playing&);
};

/// The protocol of images with that id, or null.
const Protocol* find_protocol(uint32_t id);

/// The protocol that begins so, or null.
const Protocol* protocol_of(std::string_view first_bytes);

}  // namespace thaw::session
