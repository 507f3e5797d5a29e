#include "launch/prepare/delivery.h"

namespace thaw::launch {
namespace {

void copy_strings(char* const* strings, Arena& arena, uint64_t& address, uint64_t& size) {
  address = arena.next();
  for (; *strings != nullptr; ++strings) arena.copy(*strings);
  size = arena.next() - address;
}

}  // namespace

void copy_delivery(const ExecCall& call, Arena& arena, restorer::Handover& handover) {
  copy_strings(call.argv, arena, handover.arguments, handover.arguments_size);
  copy_strings(call.envp, arena, handover.environment, handover.environment_size);
}

}  // namespace thaw::launch
