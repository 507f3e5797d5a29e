// libc's functions of the environment while an app warms up: they do what libc's do, and write down
// which variables are looked up. What the app has set itself is no look-up.
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/mman.h>

#include "shim/blob/state.h"

#define THAW_ENTRY extern "C" __attribute__((visibility("hidden"), used))

namespace {

using thaw::shim::Lock;
using thaw::shim::Lookups;

Lookups& lookups() {
  return *reinterpret_cast<Lookups*>(static_cast<uintptr_t>(thaw_shim_tables));
}

char** environment() {
  return *reinterpret_cast<char***>(static_cast<uintptr_t>(lookups().environ_address));
}
void set_environment(char** array) {
  *reinterpret_cast<char***>(static_cast<uintptr_t>(lookups().environ_address)) = array;
}

bool is_traced(const char* string) {
  const auto address = reinterpret_cast<uintptr_t>(string);
  return address >= lookups().traced_start && address < lookups().traced_end;
}
bool is_initial(const char* string) {
  const uint64_t size = lookups().traced_end - lookups().traced_start;
  const auto address = reinterpret_cast<uintptr_t>(string);
  return is_traced(string) || address - lookups().quiet_start < size;
}
/// The same string where reading it leaves no trace.
char* quiet(char* string) {
  if (!is_traced(string)) return string;
  const uint64_t offset = reinterpret_cast<uintptr_t>(string) - lookups().traced_start;
  return reinterpret_cast<char*>(static_cast<uintptr_t>(lookups().quiet_start + offset));
}

unsigned long length_of(const char* text) {
  unsigned long length = 0;
  while (text[length] != 0) ++length;
  return length;
}

bool equal(const char* a, const char* b, unsigned long length) {
  for (unsigned long i = 0; i < length; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

void copy(char* to, const char* from, unsigned long length) {
  for (unsigned long i = 0; i < length; ++i) to[i] = from[i];
}

/// Index of the variable, or of the end of the array.
unsigned long index_of(char** array, const char* name, unsigned long length, char*& found) {
  unsigned long i = 0;
  found = nullptr;
  for (; array != nullptr && array[i] != nullptr; ++i) {
    char* string = quiet(array[i]);
    if (!equal(string, name, length) || string[length] != '=') continue;
    found = string;
    return i;
  }
  return i;
}

bool is_written_down(const char* name, unsigned long length) {
  const Lookups& table = lookups();
  const char* names = reinterpret_cast<const char*>(&table + 1);
  const uint32_t used = __atomic_load_n(&table.used, __ATOMIC_ACQUIRE);
  for (uint32_t at = 0; at < used; at += length_of(names + at) + 1)
    if (equal(names + at, name, length) && names[at + length] == 0) return true;
  return false;
}

void write_down(const char* name, unsigned long length) {
  if (length == 0 || is_written_down(name, length)) return;
  Lookups& table = lookups();
  const Lock lock(table.lock);
  if (is_written_down(name, length)) return;
  if (length >= table.room - table.used) {
    table.overflow = 1;
    return;
  }
  char* place = reinterpret_cast<char*>(&table + 1) + table.used;
  copy(place, name, length);
  place[length] = 0;
  __atomic_store_n(&table.used, table.used + static_cast<uint32_t>(length) + 1, __ATOMIC_RELEASE);
}

/// Memory that stays the app's.
void* allocate(unsigned long size) {
  constexpr unsigned long kChunk = 64 << 10, kAlignment = 16;
  Lookups& table = lookups();
  size = (size + kAlignment - 1) / kAlignment * kAlignment;
  if (table.heap_end - table.heap_next < size) {
    const unsigned long chunk = (size + kChunk - 1) / kChunk * kChunk;
#ifdef __NR_mmap2
    constexpr long kMmap = __NR_mmap2;
#else
    constexpr long kMmap = __NR_mmap;
#endif
    const long start = thaw::raw::call(kMmap, 0, static_cast<long>(chunk), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start < 0 && start >= -4095) return nullptr;
    table.heap_next = static_cast<unsigned long>(start);
    table.heap_end = table.heap_next + chunk;
  }
  void* room = reinterpret_cast<void*>(static_cast<uintptr_t>(table.heap_next));
  table.heap_next += size;
  return room;
}

int fail(int error) {
  using ErrnoLocation = int* (*)();
  *reinterpret_cast<ErrnoLocation>(static_cast<uintptr_t>(lookups().errno_location))() = error;
  return -1;
}

bool is_name(const char* name) {
  if (name == nullptr || *name == 0) return false;
  for (; *name != 0; ++name)
    if (*name == '=') return false;
  return true;
}

/// Puts the string in the place of an older one of its name, or at the end of a larger array.
int put(char* string, unsigned long length) {
  char** array = environment();
  char* found = nullptr;
  const unsigned long at = index_of(array, string, length, found);
  if (found != nullptr) {
    array[at] = string;
    return 0;
  }
  auto** larger = static_cast<char**>(allocate((at + 2) * sizeof(char*)));
  if (larger == nullptr) return ENOMEM;
  for (unsigned long i = 0; i < at; ++i) larger[i] = array[i];
  larger[at] = string;
  larger[at + 1] = nullptr;
  set_environment(larger);
  return 0;
}

void remove(const char* name, unsigned long length) {
  char** array = environment();
  char* found = nullptr;
  for (unsigned long at = index_of(array, name, length, found); found != nullptr;
       at = index_of(array, name, length, found))
    for (; array[at] != nullptr; ++at) array[at] = array[at + 1];
}

}  // namespace

THAW_ENTRY char* thaw_shim_getenv(const char* name) {
  const unsigned long length = length_of(name);
  char* found = nullptr;
  index_of(environment(), name, length, found);
  if (found == nullptr || is_initial(found)) write_down(name, length);
  return found == nullptr ? nullptr : found + length + 1;
}

THAW_ENTRY int thaw_shim_setenv(const char* name, const char* value, int overwrite) {
  if (!is_name(name)) return fail(EINVAL);
  if (overwrite == 0 && thaw_shim_getenv(name) != nullptr) return 0;
  const unsigned long length = length_of(name), size = length_of(value) + 1;
  int error = ENOMEM;
  {
    const Lock lock(lookups().lock);
    auto* string = static_cast<char*>(allocate(length + 1 + size));
    if (string != nullptr) {
      copy(string, name, length);
      string[length] = '=';
      copy(string + length + 1, value, size);
      error = put(string, length);
    }
  }
  return error == 0 ? 0 : fail(error);
}

THAW_ENTRY int thaw_shim_unsetenv(const char* name) {
  if (!is_name(name)) return fail(EINVAL);
  const Lock lock(lookups().lock);
  remove(name, length_of(name));
  return 0;
}

/// A string without "=" removes the variable, as in glibc.
THAW_ENTRY int thaw_shim_putenv(char* string) {
  unsigned long length = 0;
  while (string[length] != 0 && string[length] != '=') ++length;
  int error = 0;
  {
    const Lock lock(lookups().lock);
    if (string[length] == 0)
      remove(string, length);
    else
      error = put(string, length);
  }
  return error == 0 ? 0 : fail(error);
}
