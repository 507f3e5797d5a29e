// A directory, half read: the rest of its entries comes after the restore, none twice, none left
// out.
#include <dirent.h>

#include "fds.h"

enum { kFiles = 300, kBefore = 40 };

static void note(const struct dirent* entry, int* seen) {
  int number;
  if (sscanf(entry->d_name, "file-%d", &number) == 1) seen[number]++;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(mkdir(app_path("listing"), 0755));
  int at = (int)NEED(open(app_path("listing"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  char name[32];
  for (int i = 0; i < kFiles; i++) {
    snprintf(name, sizeof name, "file-%d", i);
    close((int)NEED(openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
  }
  static int seen[kFiles];
  // A small buffer of our own: libc's would hold all entries already.
  int raw = (int)NEED(openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  char buffer[1024];
  long size = 0;
  for (int i = 0; i < kBefore;) {
    size = (long)NEED(syscall(SYS_getdents64, raw, buffer, sizeof buffer));
    for (long offset = 0; offset < size; i++) {
      struct dirent64* entry = (struct dirent64*)(buffer + offset);
      note((struct dirent*)entry, seen);
      offset += entry->d_reclen;
    }
  }
  DIR* stream = opendir(app_path("listing"));
  int in_stream = 0;
  while (in_stream < kBefore && readdir(stream) != NULL) in_stream++;
  app_wait();

  while ((size = (long)NEED(syscall(SYS_getdents64, raw, buffer, sizeof buffer))) > 0)
    for (long offset = 0; offset < size;) {
      struct dirent64* entry = (struct dirent64*)(buffer + offset);
      note((struct dirent*)entry, seen);
      offset += entry->d_reclen;
    }
  for (int i = 0; i < kFiles; i++) CHECK_EQ("times that an entry was seen", 1, seen[i]);
  while (readdir(stream) != NULL) in_stream++;
  CHECK_EQ("entries of a directory stream", kFiles + 2, in_stream);
  NEED(faccessat(at, "file-7", F_OK, 0));
  NEED(fchdir(at));
  NEED(access("file-8", F_OK));
  return 0;
}
