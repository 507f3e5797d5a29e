// A pipe of thaw's own (pipe(2)): closed where another program is executed.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw {

struct Pipe {
  UniqueFd reader, writer;
};

inline Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace thaw
