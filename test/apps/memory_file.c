// Mapped files: private with modified pages, shared and read-only, past the end of the file,
// deleted.
#include "area.h"
#include "faults.h"

static int make(const char* name, size_t size, uint64_t seed) {
  int fd = (int)NEED(open(app_path(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  char* bytes = malloc(size);
  app_fill(bytes, size, seed);
  CHECK_EQ("write of a file", size, write(fd, bytes, size));
  free(bytes);
  return fd;
}

static char* map(size_t size, int protection, int flags, int fd, off_t offset) {
  return NEED_MAP(mmap(NULL, size, protection, flags, fd, offset));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 16 * page;
  int fd = make("mapped", size, 21);
  // All reads are the file's; the descriptor is closed, as it is for a library.
  char* private = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char* offset = map(4 * page, PROT_READ, MAP_PRIVATE, fd, (off_t)(8 * page));
  close(fd);
  // A mapping of a file opened for writing could be made writable, which takes a policy.
  int reader = (int)NEED(open(app_path("mapped"), O_RDONLY | O_CLOEXEC));
  char* shared = map(size, PROT_READ, MAP_SHARED, reader, 0);
  close(reader);
  app_fill(private + 2 * page, page, 22);
  app_fill(private + 7 * page, page, 23);

  int short_file = make("short", page + 16, 24);
  char* beyond = map(4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, short_file, 0);
  close(short_file);

  int deleted = make("deleted", size, 25);
  char* of_deleted = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, deleted, 0);
  close(deleted);
  NEED(unlink(app_path("deleted")));
  // What its own page hides then, nothing shows but this.
  int link = area_open(of_deleted, size);
  bool own_page = link >= 0;
  if (own_page) close(link);
  if (own_page) app_fill(of_deleted + page, page, 26);

  // One that is mapped in both ways, and still open.
  int open_deleted = make("open-deleted", size, 27);
  char* shared_deleted = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, open_deleted, 0);
  char* private_deleted = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, open_deleted, 0);
  NEED(unlink(app_path("open-deleted")));
  app_fill(private_deleted + page, page, 28);
  app_wait();

  app_check_fill("modified page", private + 2 * page, page, 22);
  app_check_fill("second modified page", private + 7 * page, page, 23);
  char* original = malloc(size);
  app_fill(original, size, 21);
  CHECK_EQ("unmodified page", 0, memcmp(private, original, 2 * page));
  CHECK_EQ("unmodified page behind a modified one", 0,
           memcmp(private + 8 * page, original + 8 * page, 8 * page));
  CHECK_EQ("mapping at an offset", 0, memcmp(offset, original + 8 * page, 4 * page));
  CHECK_EQ("shared mapping", 0, memcmp(shared, original, size));
  struct area area = area_of(shared);
  CHECK(strstr(area.name, "/mapped") != NULL);
  CHECK_EQ("shared mapping's permissions", 's', area.permissions[3]);
  CHECK_EQ("write to a read-only mapping", SIGSEGV, faults_touch(offset, true));

  // A private mapping's unmodified page goes back to the file.
  NEED(madvise(private + 2 * page, page, MADV_DONTNEED));
  CHECK_EQ("dropped page", 0, memcmp(private + 2 * page, original + 2 * page, page));

  char* start = malloc(page + 16);
  app_fill(start, page + 16, 24);
  CHECK_EQ("file that ends in the second page", 0, memcmp(beyond, start, page + 16));
  app_check_zero("rest of the file's last page", beyond + page + 16, page - 16);
  CHECK_EQ("page beyond the end of the file", SIGBUS, faults_touch(beyond + 2 * page, false));

  app_fill(original, size, 25);
  CHECK_EQ("deleted file", 0, memcmp(of_deleted, original, page));
  if (own_page) app_check_fill("modified page of a deleted file", of_deleted + page, page, 26);
  CHECK_EQ("rest of the deleted file", 0,
           memcmp(of_deleted + 2 * page, original + 2 * page, size - 2 * page));
  NEED(madvise(of_deleted, size, MADV_DONTNEED));
  CHECK_EQ("dropped pages of a deleted file", 0, memcmp(of_deleted, original, size));

  app_fill(original, size, 29);
  NEED(pwrite(open_deleted, original, size, 0));
  CHECK_EQ("deleted file, shared", 0, memcmp(shared_deleted, original, size));
  CHECK_EQ("deleted file, private", 0, memcmp(private_deleted, original, page));
  app_check_fill("page of its own of a deleted file", private_deleted + page, page, 28);
  CHECK_EQ("deleted file, behind a page of its own", 0,
           memcmp(private_deleted + 2 * page, original + 2 * page, size - 2 * page));
  return 0;
}
