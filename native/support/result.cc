#include "support/result.h"

namespace thaw {

void ErrorDelete::operator()(const Error* error) const noexcept {
  delete error;
}

ErrorPointer hold(Error&& error) {
  return ErrorPointer(new Error(std::move(error)));
}

}  // namespace thaw
