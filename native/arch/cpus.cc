#include "arch/cpus.h"

namespace thaw::arch {
namespace {

#define THAW_ADDRESS(folder) &folder::kCpu,
constexpr const Cpu* kCpus[] = {THAW_CPUS(THAW_ADDRESS)};
#undef THAW_ADDRESS

}  // namespace

const Cpu* cpu(uint32_t number) {
  for (const Cpu* each : kCpus)
    if (each->number == number) return each;
  return nullptr;
}

const Cpu* cpu(std::string_view name) {
  for (const Cpu* each : kCpus)
    if (each->name == name) return each;
  return nullptr;
}

}  // namespace thaw::arch
