#include "arch/call_sites.h"

namespace thaw::arch {

const bool kRedirectsCallSites = false;
const uint64_t kStubReach = 0;
const size_t kSiteJumpSize = 0;

std::optional<uint64_t> number_called_in_place(const Registers&) {
  return {};
}

Result<std::vector<CallSite>> find_call_sites(const Code&) {
  return std::vector<CallSite>();
}

SiteChange change_call_site(const Code&, const CallSite&, uint64_t, uint64_t) {
  return {};
}

}  // namespace thaw::arch
