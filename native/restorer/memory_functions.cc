// What the compiler calls for wide copies and clears: there is no libc here. Left to itself, it
// would make these loops calls to the functions that they are (-fno-tree-loop-distribute-patterns).
#include <stddef.h>
#include <stdint.h>

extern "C" {

void* memset(void* to, int value, size_t size) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(value);
  return to;
}

void* memcpy(void* to, const void* from, size_t size) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<const uint8_t*>(from)[i];
  return to;
}
}
