// A disk that keeps record of what is written to it and when it is flushed: a file system (FUSE) whose root is one file, on
// which a loop device stands. What a power cut leaves can be made from the record (test/launcher/support/power_cut.ts).
//
//   recording_disk DISK RECORD FILE
//
// FILE, which is there already, shows what DISK holds, until it is unmounted. RECORD gets a header for each write, with the
// data behind it, and for each flush. Both are written before the writer is told that it is done.
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kMostData = 128 << 10, kMode = S_IFREG | 0600, kForever = 1 << 30 };

/// A size of zero is a flush.
struct Entry {
  uint64_t offset;
  uint64_t size;
};

static int fuse, disk, record;
static uint64_t disk_size;

static void must(int ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static void reply(uint64_t unique, int error, const void* data, size_t size) {
  struct fuse_out_header header = {.len = sizeof(header) + size, .error = -error, .unique = unique};
  const struct iovec parts[] = {{&header, sizeof(header)}, {(void*)data, size}};
  // ENOENT: the request was given up meanwhile.
  must(writev(fuse, parts, 2) >= 0 || errno == ENOENT, "reply");
}

static void note(uint64_t offset, const void* data, uint32_t size) {
  const struct Entry entry = {offset, size};
  const struct iovec parts[] = {{(void*)&entry, sizeof(entry)}, {(void*)data, size}};
  must(writev(record, parts, 2) == (ssize_t)(sizeof(entry) + size), "record");
}

static void initialize(uint64_t unique, const struct fuse_init_in* in) {
  const struct fuse_init_out out = {
      .major = FUSE_KERNEL_VERSION,
      .minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
      .max_readahead = in->max_readahead,
      .flags = FUSE_BIG_WRITES,
      .max_background = 16,
      .congestion_threshold = 12,
      .max_write = kMostData,
  };
  reply(unique, 0, &out, sizeof(out));
}

static void tell_attributes(uint64_t unique) {
  const struct fuse_attr_out out = {
      .attr_valid = kForever,
      .attr = {.ino = FUSE_ROOT_ID,
               .size = disk_size,
               .blocks = disk_size / 512,
               .mode = kMode,
               .nlink = 1,
               .blksize = 4096},
  };
  reply(unique, 0, &out, sizeof(out));
}

static void read_disk(uint64_t unique, const struct fuse_read_in* in) {
  static char data[kMostData];
  const ssize_t size =
      pread(disk, data, in->size < kMostData ? in->size : kMostData, (off_t)in->offset);
  reply(unique, size < 0 ? errno : 0, data, size < 0 ? 0 : (size_t)size);
}

static void write_disk(uint64_t unique, const struct fuse_write_in* in) {
  const void* data = in + 1;
  must(pwrite(disk, data, in->size, (off_t)in->offset) == (ssize_t)in->size, "disk");
  note(in->offset, data, in->size);
  const struct fuse_write_out out = {.size = in->size};
  reply(unique, 0, &out, sizeof(out));
}

static void answer(const struct fuse_in_header* request) {
  const void* in = request + 1;
  const struct fuse_open_out opened = {.open_flags = FOPEN_KEEP_CACHE};
  switch (request->opcode) {
    case FUSE_INIT:
      return initialize(request->unique, in);
    case FUSE_SETATTR:
    case FUSE_GETATTR:
      return tell_attributes(request->unique);
    case FUSE_OPEN:
      return reply(request->unique, 0, &opened, sizeof(opened));
    case FUSE_READ:
      return read_disk(request->unique, in);
    case FUSE_WRITE:
      return write_disk(request->unique, in);
    case FUSE_FSYNC:
      note(0, NULL, 0);
      return reply(request->unique, 0, NULL, 0);
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_DESTROY:
      return reply(request->unique, 0, NULL, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    default:
      return reply(request->unique, ENOSYS, NULL, 0);
  }
}

int main(int argc, char** argv) {
  static char request[kMostData + 4096] __attribute__((aligned(8)));
  if (argc != 4) return 2;
  must((disk = open(argv[1], O_RDWR | O_CLOEXEC)) >= 0, argv[1]);
  must((record = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)) >= 0,
       argv[2]);
  must((fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC)) >= 0, "/dev/fuse");
  disk_size = (uint64_t)lseek(disk, 0, SEEK_END);
  char options[96];
  snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=%d,group_id=%d", fuse, kMode,
           getuid(), getgid());
  must(mount("recording_disk", argv[3], "fuse", MS_NOSUID | MS_NODEV, options) == 0, "mount");
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    const ssize_t size = read(fuse, request, sizeof(request));
    if (size < 0 && errno == ENODEV) return 0;  // It was unmounted.
    if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
    must(size >= (ssize_t)sizeof(struct fuse_in_header), "request");
    answer((const struct fuse_in_header*)request);
  }
}
