// What the kernel says of one memory area: its line in /proc/self/maps and its VmFlags.
#pragma once

#include <inttypes.h>

#include "harness.h"

struct area {
  char permissions[8];
  char name[256];
  char flags[256];  ///< VmFlags, each two letters with a space after it
  unsigned long locked_kb;
};

/// The area that `address` lies in.
static inline struct area area_of(const void* address) {
  FILE* smaps = fopen("/proc/self/smaps", "re");
  if (smaps == NULL) FAIL("/proc/self/smaps, expected to open, got %s", strerror(errno));
  struct area area = {0};
  char line[1024];
  bool inside = false;
  while (fgets(line, sizeof line, smaps) != NULL) {
    uintptr_t start, end;
    char permissions[8], name[256] = "";
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %255[^\n]", &start, &end,
               permissions, name) >= 3) {
      if (inside) break;
      inside = start <= (uintptr_t)address && (uintptr_t)address < end;
      if (inside) memcpy(area.permissions, permissions, sizeof permissions);
      if (inside) memcpy(area.name, name, sizeof name);
    }
    if (inside && strncmp(line, "VmFlags: ", 9) == 0)
      snprintf(area.flags, sizeof area.flags, "%.*s", (int)strcspn(line + 9, "\n"), line + 9);
    if (inside && sscanf(line, "Locked: %lu", &area.locked_kb) == 1) continue;
  }
  fclose(smaps);
  if (area.permissions[0] == '\0') FAIL("area of %p, expected in smaps, got none", address);
  return area;
}

/// Whether the area's VmFlags hold `flag` (two letters).
static inline bool area_has(const struct area* area, const char* flag) {
  for (const char* at = area->flags; (at = strstr(at, flag)) != NULL; at++)
    if (at == area->flags || at[-1] == ' ') return true;
  return false;
}

/// `flag` must be set (or not) on the area at `address`.
static inline void area_check(const char* what, const void* address, const char* flag,
                              bool expected) {
  struct area area = area_of(address);
  if (area_has(&area, flag) != expected)
    FAIL("%s: VmFlags %s, expected %s, got \"%s\"", what, flag, expected ? "set" : "clear",
         area.flags);
}

/// The kernel's own link to what is mapped there, for those who have the capability; else -1.
static inline int area_open(const char* area, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)(uintptr_t)area,
           (unsigned long)(uintptr_t)area + size);
  return open(path, O_RDWR | O_CLOEXEC);
}
