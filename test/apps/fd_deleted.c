// A file that was deleted while it is open: its content lives in the image, for reading and for
// writing.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  int fd = (int)NEED(open(app_path("temporary"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  NEED(unlink(app_path("temporary")));
  fds_write(fd, "temporary content");
  NEED(lseek(fd, 10, SEEK_SET));
  int copy = dup(fd);
  int nameless = open(app_scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (nameless >= 0) fds_write(nameless, "never had a name");
  // As Python's tempfile opens them.
  int no_follow = (int)NEED(
      open(app_path("no-follow"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  NEED(unlink(app_path("no-follow")));
  fds_write(no_follow, "not followed");
  // Root can give it away.
  struct timespec times[] = {{1000000000, 123456789}, {1100000000, 987654321}};
  uid_t owner = geteuid() == 0 ? 12345 : geteuid();
  gid_t group = geteuid() == 0 ? 23456 : getegid();
  NEED(fchown(no_follow, owner, group));
  NEED(fchmod(no_follow, 04640));
  NEED(futimens(no_follow, times));
  app_wait();

  struct stat kept;
  NEED(fstat(no_follow, &kept));
  CHECK_EQ("mode of a deleted file", 04640, kept.st_mode & 07777);
  CHECK_EQ("owner of a deleted file", owner, kept.st_uid);
  CHECK_EQ("group of a deleted file", group, kept.st_gid);
  CHECK_EQ("time of the last change", times[1].tv_sec, kept.st_mtim.tv_sec);
  CHECK_EQ("time of the last change, ns", times[1].tv_nsec, kept.st_mtim.tv_nsec);
  CHECK_EQ("time of the last access", times[0].tv_sec, kept.st_atim.tv_sec);

  NEED(lseek(no_follow, 0, SEEK_SET));
  fds_check_read("file opened with O_NOFOLLOW", no_follow, "not followed");
  fds_check_read("rest of a deleted file", copy, "content");
  CHECK_EQ("shared offset", 17, lseek(fd, 0, SEEK_CUR));
  fds_write(fd, ", grown");
  NEED(lseek(fd, 0, SEEK_SET));
  fds_check_read("deleted file", fd, "temporary content, grown");
  struct stat status;
  NEED(fstat(fd, &status));
  CHECK_EQ("links of a deleted file", 0, status.st_nlink);
  CHECK_EQ("deleted file's name", -1, access(app_path("temporary"), F_OK));
  if (nameless >= 0) {
    CHECK_EQ("offset of a nameless file", 16, lseek(nameless, 0, SEEK_CUR));
    NEED(lseek(nameless, 0, SEEK_SET));
    fds_check_read("nameless file", nameless, "never had a name");
  }
  return 0;
}
