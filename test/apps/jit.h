// A tiny code generator: functions that return a number.
#pragma once

#include "harness.h"

/// Writes a function `int f(void) { return value; }` (0 <= value < 65536) to `code`.
static inline void jit_write(void* code, unsigned value) {
#if defined(__x86_64__)
  unsigned char bytes[] = {0xb8, (unsigned char)value, (unsigned char)(value >> 8), 0, 0, 0xc3};
  memcpy(code, bytes, sizeof bytes);
#elif defined(__aarch64__)
  uint32_t words[] = {0x52800000u | value << 5, 0xd65f03c0u};  // mov w0, #value; ret
  memcpy(code, words, sizeof words);
#elif defined(__arm__)
  uint32_t words[] = {0xe3000000u | (value >> 12) << 16 | (value & 0xfff),
                      0xe12fff1eu};  // movw r0, #value; bx lr
  memcpy(code, words, sizeof words);
#endif
  __builtin___clear_cache(code, (char*)code + 16);
}

static inline int jit_call(void* code) {
  int (*function)(void);
  memcpy(&function, &code, sizeof function);
  return function();
}
