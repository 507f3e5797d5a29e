#include "policy/switches.h"

namespace thaw::policy {
namespace {

struct Row {
  std::string_view beginning;
  std::string_view remedy;
};

constexpr Row kRows[] = {
    {"/tmp/hsperfdata_", "start Java with -XX:-UsePerfData"},
    {"/dev/shm/mono.", "set MONO_DISABLE_SHARED_AREA=1 in the profile's env"},
};

}  // namespace

std::string_view switch_against(std::string_view path) {
  for (const Row& row : kRows)
    if (path.starts_with(row.beginning)) return row.remedy;
  return {};
}

}  // namespace thaw::policy
