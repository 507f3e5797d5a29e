#include "arch/file_calls.h"

#include <sys/syscall.h>

#include <array>
#include <cstddef>

namespace thaw::arch {
namespace {

constexpr FileCall at_path(long number, FileUse use, int8_t flags = -1) {
  return {.number = number, .use = use, .path = 0, .flags = flags};
}
constexpr FileCall at_folder(long number, FileUse use, int8_t flags = -1) {
  return {.number = number, .use = use, .folder = 0, .path = 1, .flags = flags};
}
constexpr FileCall of_descriptor(long number, FileUse use, int8_t descriptor = 0) {
  return {.number = number, .use = use, .descriptor = descriptor};
}

using enum FileUse;

constexpr FileCall kCalls[] = {
    at_folder(SYS_openat, open, 2),
    at_folder(SYS_openat2, open_how, 2),
    at_folder(SYS_statx, look, 2),
    at_folder(SYS_faccessat, look),
    at_folder(SYS_faccessat2, look, 3),
    at_folder(SYS_readlinkat, link),
    at_path(SYS_execve, execute),
    at_folder(SYS_execveat, execute, 4),
    at_path(SYS_chdir, look),
    of_descriptor(SYS_getdents64, list),
    of_descriptor(SYS_read, read),
    of_descriptor(SYS_readv, read),
    of_descriptor(SYS_pread64, read),
    of_descriptor(SYS_preadv, read),
    of_descriptor(SYS_preadv2, read),
    of_descriptor(SYS_copy_file_range, read),
    at_folder(SYS_unlinkat, write),
    at_folder(SYS_mkdirat, write),
    at_folder(SYS_mknodat, write),
    at_path(SYS_truncate, write),
    {.number = SYS_symlinkat, .use = write, .folder = 1, .path = 2},
    {.number = SYS_linkat, .use = write, .folder = 2, .path = 3},
    {.number = SYS_renameat2,
     .use = write,
     .folder = 0,
     .path = 1,
     .other_folder = 2,
     .other_path = 3},
    {.number = SYS_io_uring_setup, .use = ring},
    {.number = SYS_open_by_handle_at, .use = handle},
    {.number = SYS_inotify_add_watch, .use = notify, .path = 1},
    {.number = SYS_uname, .use = host_name},
    {.number = SYS_sched_getaffinity, .use = cpus},
    {.number = SYS_sysinfo, .use = memory},
    {.number = SYS_chroot, .use = other_root},
    {.number = SYS_pivot_root, .use = other_root},
// What not every CPU has.
#ifdef SYS_open
    at_path(SYS_open, open, 1),
    at_path(SYS_creat, create),
    at_path(SYS_access, look),
    at_path(SYS_readlink, link),
    at_path(SYS_unlink, write),
    at_path(SYS_rmdir, write),
    at_path(SYS_mkdir, write),
    at_path(SYS_mknod, write),
    {.number = SYS_symlink, .use = write, .path = 1},
    {.number = SYS_link, .use = write, .path = 1},
    {.number = SYS_rename, .use = write, .path = 0, .other_path = 1},
    of_descriptor(SYS_getdents, list),
#endif
#ifdef SYS_renameat
    {.number = SYS_renameat,
     .use = write,
     .folder = 0,
     .path = 1,
     .other_folder = 2,
     .other_path = 3},
#endif
#ifdef SYS_stat
    at_path(SYS_stat, look),
    at_path(SYS_lstat, link),
#endif
#ifdef SYS_stat64
    at_path(SYS_stat64, look),
    at_path(SYS_lstat64, link),
    at_folder(SYS_fstatat64, look, 3),
    at_path(SYS_truncate64, write),
#endif
#ifdef SYS_newfstatat
    at_folder(SYS_newfstatat, look, 3),
#endif
#ifdef SYS_mmap2
    of_descriptor(SYS_mmap2, read, 4),
#else
    of_descriptor(SYS_mmap, read, 4),
#endif
#ifdef SYS_sendfile64
    of_descriptor(SYS_sendfile64, read, 1),
#endif
#ifdef SYS_sendfile
    of_descriptor(SYS_sendfile, read, 1),
#endif
};

/// More than the highest number of a call that is looked for.
constexpr size_t kNumbers = 512;

constexpr auto kByNumber = [] {
  std::array<const FileCall*, kNumbers> table = {};
  for (const FileCall& call : kCalls) table.at(static_cast<size_t>(call.number)) = &call;
  return table;
}();

}  // namespace

const FileCall* file_call(long number) {
  const auto index = static_cast<size_t>(number);
  return index < kNumbers ? kByNumber[index] : nullptr;
}

}  // namespace thaw::arch
