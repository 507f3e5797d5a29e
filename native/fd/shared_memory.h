// Memory that has no name of its own: memfds and deleted files, open or mapped, and shared
// anonymous memory that is mapped more than once. One Object per inode; it comes back as a memfd.
// Descriptors and mappings of the same inode meet in the same Object.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Object::flags of shared memory: memfd seals (F_SEAL_*) in the low byte, permission bits from bit
/// 16 on.
enum MemoryFlag : uint32_t {
  kMemorySeals = 0xff,
  kMemoryWasFile = 1u << 15,  ///< a deleted file: the name is its path
  kMemoryModeShift = 16,
};

/// OpenFile::side of shared memory.
enum MemorySide : uint32_t {
  kMemoryOpened = 0,  ///< a description that was opened through /proc, or of a file
  kMemoryItself = 1,  ///< the one that memfd_create(2) gave
};

/// The Object of the memory behind a descriptor (a memfd, a deleted file), with its content stored.
/// The error is a reason for a refusal.
Result<model::Index> collect_memory(Collector&, const Probe&);

/// The Object of the memory with that device and inode, as /proc/PID/maps shows them along with
/// `name`; or kNone. On btrfs and overlayfs fstat(2) has told the descriptor another device: inode
/// and name are the same.
model::Index find_memory(const image::Builder&, dev_t dev, ino_t ino, std::string_view name);

/// The Object of memory that no descriptor leads to; `name` is as /proc/PID/maps shows it. The
/// caller adds size and content, which it finds in the mappings.
model::Object mapped_memory(image::Builder&, dev_t dev, ino_t ino, std::string_view name);

/// A descriptor of the Object's memory, open for reading and writing; made at the first call, owned
/// by Opener::sides.
Result<int> open_memory(Opener&, model::Index object);

/// True if the Object's flags, size and runs fit together.
bool valid_memory_object(const image::View&, model::Index object);

/// A descriptor of the Object's memory with the flags and position of `file`: the description that
/// made it, or another one.
Result<UniqueFd> open_memory_file(Opener&, const model::OpenFile& file);

/// Gives the memory its owner, permission bits and times, once all its descriptions are open.
Result<void> finish_memory_file(Opener&, const model::OpenFile& file, int fd);

}  // namespace thaw::fd
