#include "arch/call_sites.h"

#include <cstdio>

namespace thaw::arch {

bool Code::is_known(uint64_t address) const {
  const auto behind = std::upper_bound(
      functions.begin(), functions.end(), address,
      [](uint64_t value, const AddressRange& function) { return value < function.start; });
  return behind != functions.begin() && address < (behind - 1)->end + kLongestGap;
}

std::vector<uint64_t> Jumps::to(uint64_t address) const {
  std::vector<uint64_t> sources;
  for (auto jump = std::lower_bound(jumps_.begin(), jumps_.end(), std::pair{address, uint64_t{0}});
       jump != jumps_.end() && jump->first == address; ++jump)
    sources.push_back(jump->second);
  return sources;
}

Error error_at(const char* what, uint64_t address) {
  char text[128];
  snprintf(text, sizeof(text), "%s at 0x%llx", what, static_cast<unsigned long long>(address));
  return Error{0, text};
}

}  // namespace thaw::arch
