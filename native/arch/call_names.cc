#include "arch/call_names.h"

#include <sys/syscall.h>

#include <algorithm>

namespace thaw::arch {
namespace {

constexpr CallName kNames[] = {
#define X(name) {#name, SYS_##name},
// Made by CMakeLists.txt of the compiler's <sys/syscall.h>.
#include "call_names.inc"
#undef X
};

}  // namespace

std::span<const CallName> call_names() {
  return kNames;
}

long call_number(std::string_view name) {
  const auto* row = std::find_if(std::begin(kNames), std::end(kNames),
                                 [name](const CallName& one) { return one.name == name; });
  return row == std::end(kNames) ? -1 : row->number;
}

}  // namespace thaw::arch
