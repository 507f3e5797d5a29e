// The bytes that wait in a pipe: read at checkpoint without taking them from the app, written back
// at a launch.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Object::flags of a pipe.
enum PipeFlag : uint32_t {
  kPipePackets = 1u << 0,  ///< O_DIRECT writes: content is a sequence of uint32 length, bytes
};

/// Fills the Object's capacity, flags and content with what waits in the pipe of `read_end`, which
/// keeps it. The error is a reason for a refusal: why it cannot be told.
Result<void> keep_pipe_content(image::Builder&, int read_end, model::Object&);

/// Writes the content of a pipe Object to `write_end`, which is new, empty and O_NONBLOCK.
Result<void> fill_pipe(const image::View&, const model::Object&, int write_end);

/// One end of a pipe whose other end is closed: EOF for readers, EPIPE for writers.
Result<UniqueFd> open_closed_pipe(Opener&, const model::OpenFile& file);
/// What pipes and FIFOs become under `close`.
inline constexpr Closed kClosedPipe = {"policy: a pipe whose other end is closed",
                                       open_closed_pipe};

/// True if the Object's capacity and content fit together.
bool valid_pipe_object(const image::View&, const model::Object&);

}  // namespace thaw::fd
