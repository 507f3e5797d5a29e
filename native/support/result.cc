#include "support/result.h"

namespace thaw {

void ErrorDelete::operator()(const Error* error) const noexcept {
  delete error;
}

ErrorPointer hold(Error&& error) {
  return ErrorPointer(new Error(std::move(error)));
}

Result<void> joined(const std::vector<Error>& errors) {
  if (errors.empty()) return {};
  if (errors.size() == 1) return errors.front();
  constexpr size_t kMost = 40;
  std::string list = std::to_string(errors.size()) + " things cannot be taken into an image:";
  for (size_t i = 0; i < errors.size() && i < kMost; ++i) {
    list += "\n- " + errors[i].what();
    if (!errors[i].remedy.empty()) list += "\n    " + errors[i].remedy;
  }
  if (errors.size() > kMost) list += "\n- ...";
  return Error{0, std::move(list)};
}

}  // namespace thaw
