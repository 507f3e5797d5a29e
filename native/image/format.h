// The image file: a header, page data, then one section per table of the model with the blobs last.
//
//   [0, page_size)                  header
//   [page_size, metadata_offset)    page data, page aligned, sparse where the app's memory is zero
//   [metadata_offset, file_size)    sections and blobs; hashed with the header, mapped by a launch;
//                                   their tail only where a launch needs it, with a hash of its own
//
// The metadata stands last: a working set that is recorded later changes its size, and the places of
// pages only where the whole file is written anew for it (image/hot_order.h).
#pragma once

#include <cstdint>

#include "image/model.h"

namespace thaw::image {

constexpr char kMagic[8] = {'T', 'H', 'A', 'W', 'I', 'M', 'G', '\0'};
constexpr uint32_t kVersion = 10;
constexpr uint32_t kMostLayouts = 64;

/// X(section name, record type): the tables an image holds, in file order.
#define THAW_SECTIONS(X) THAW_HEAD_SECTIONS(X) THAW_TAIL_SECTIONS(X)

/// What every launch reads.
#define THAW_HEAD_SECTIONS(X)              \
  X(requirements, model::Requirements)     \
  X(processes, model::Process)             \
  X(threads, model::Thread)                \
  X(robust_words, model::RobustWord)       \
  X(sigactions, model::SigAction)          \
  X(pending_signals, model::PendingSignal) \
  X(posix_timers, model::PosixTimer)       \
  X(files, model::File)                    \
  X(inputs, model::Input)                  \
  X(objects, model::Object)                \
  X(data_runs, model::DataRun)             \
  X(open_files, model::OpenFile)           \
  X(fds, model::Fd)                        \
  X(mappings, model::Mapping)              \
  X(map_sources, model::MapSource)         \
  X(ops, model::Op)                        \
  X(gaps, model::Gap)                      \
  X(feed_runs, model::FeedRun)             \
  X(data_blocks, model::DataBlock)         \
  X(id_patches, model::IdPatch)            \
  X(id_notices, model::IdNotice)           \
  X(mode_copies, model::ModeCopy)          \
  X(seccomp_filters, model::SeccompFilter) \
  X(attachments, model::Attachment)        \
  X(credentials, model::Credentials)       \
  X(blobs, char)

/// What a launch reads where no root identity stands for it: the inputs that one may stand for, and
/// their paths.
#define THAW_TAIL_SECTIONS(X)  \
  X(root_inputs, model::Input) \
  X(root_paths, char)
enum class SectionId : uint32_t {
#define X(name, type) name,
  THAW_SECTIONS(X)
#undef X
  // clang-format off: it takes what follows the macro for a continued line
  count
  // clang-format on
};

/// Where a table lies: `offset` counts from metadata_offset. `record_size` lets a reader refuse a
/// layout that it does not know.
struct Section {
  uint32_t id = 0;
  uint32_t record_size = 0;
  uint64_t offset = 0;
  uint64_t count = 0;
};

struct Header {
  char magic[8] = {};
  uint32_t version = 0;
  uint32_t cpu = 0;  ///< arch::Cpu::number
  uint32_t page_size = 0;
  uint32_t section_count = 0;
  uint64_t file_size = 0;
  uint64_t metadata_offset = 0;  ///< page aligned
  uint64_t metadata_size = 0;
  /// XXH3-64 of the header with this field zero, then of the metadata up to the tail.
  uint64_t metadata_hash = 0;
  uint8_t id[16] = {};   ///< random: tells images apart
  uint32_t layouts = 1;  ///< images that the profile has, of which a launch draws one
  uint32_t reserved = 0;
  uint64_t tail_offset = 0;  ///< in the metadata; page aligned; its size where there is no tail
  uint64_t tail_hash = 0;    ///< XXH3-64 of the rest of the metadata
  Section sections[static_cast<uint32_t>(SectionId::count)] = {};
};

}  // namespace thaw::image
