// What the compiler calls for wide copies and clears, since there is no libc here. Without the flag
// -fno-tree-loop-distribute-patterns it would turn these loops into calls of themselves.
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
