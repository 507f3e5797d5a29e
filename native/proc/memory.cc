#include "proc/memory.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

namespace thaw::proc {
namespace {

void* as_pointer(uint64_t value) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(value));
}

}  // namespace

Result<Memory> Memory::open(pid_t pid) {
  UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot read the memory of process " + std::to_string(pid));
  return Memory(std::move(fd));
}

Result<void> Memory::read(uint64_t address, void* bytes, size_t size) const {
  const ssize_t got = pread64(fd_.get(), bytes, size, static_cast<off64_t>(address));
  if (got == static_cast<ssize_t>(size)) return {};
  return Error{got < 0 ? errno : EFAULT, "cannot read the app's memory"};
}

void Memory::read_pages(uint64_t address, char* bytes, size_t size, size_t page_size) const {
  if (read(address, bytes, size)) return;
  for (size_t done = 0; done < size; done += page_size)
    if (!read(address + done, bytes + done, page_size)) memset(bytes + done, 0, page_size);
}

Result<void> read_memory(pid_t tid, uint64_t address, void* bytes, size_t size) {
  const iovec local = {bytes, size};
  const iovec remote = {as_pointer(address), size};
  if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(size))
    return errno_error("cannot read memory of process " + std::to_string(tid));
  return {};
}

Result<void> write_memory(pid_t tid, uint64_t address, const void* bytes, size_t size) {
  const iovec local = {const_cast<void*>(bytes), size};
  const iovec remote = {as_pointer(address), size};
  if (process_vm_writev(tid, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(size))
    return errno_error("cannot write memory of process " + std::to_string(tid));
  return {};
}

}  // namespace thaw::proc
