// The standard library's ways to throw, without exceptions: thaw-exec is built without them, and
// without these it would carry the unwinder and the locale machinery for messages that nobody
// reads. Whatever is wrong, the app starts cold.
#include <cstdlib>
#include <new>

#include "exec/program.h"

namespace {

[[noreturn]] void give_up() {
  thaw::exec::start_cold_now();
}

}  // namespace

namespace std {
void __throw_length_error(const char*) {
  give_up();
}
void __throw_logic_error(const char*) {
  give_up();
}
void __throw_out_of_range_fmt(const char*, ...) {
  give_up();
}
void __throw_bad_alloc() {
  give_up();
}
void __throw_bad_array_new_length() {
  give_up();
}
void __throw_bad_function_call() {
  give_up();
}
}  // namespace std

void* operator new(size_t size) {
  void* memory = malloc(size);
  if (memory == nullptr) give_up();
  return memory;
}
void operator delete(void* memory) noexcept {
  free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  free(memory);
}
