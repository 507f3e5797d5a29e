#include "image/verify_data.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "image/data_blocks.h"
#include "image/page_data.h"

namespace thaw::image {
namespace {

using model::DataBlock;

Result<std::vector<DataBlock>> read_blocks(const View& view) {
  const Header& header = view.header();
  const size_t page = header.page_size;
  std::vector<char> buffer(256 * page);
  DataBlocks blocks;
  for (uint64_t offset = page; offset < header.metadata_offset;) {
    const off_t data = lseek(view.fd(), static_cast<off_t>(offset), SEEK_DATA);
    if (data > static_cast<off_t>(offset)) offset = static_cast<uint64_t>(data) / page * page;
    if (offset >= header.metadata_offset) break;
    const size_t wanted = std::min<uint64_t>(buffer.size(), header.metadata_offset - offset);
    THAW_TRY(read_page_data(view.fd(), buffer.data(), wanted, offset));
    for (size_t done = 0; done < wanted; done += page)
      blocks.add(offset + done, buffer.data() + done, page);
    offset += wanted;
  }
  return blocks.take();
}

/// Offsets of the blocks that are in one of the lists only, or differ; both are in file order.
std::vector<uint64_t> differences(std::span<const DataBlock> a, std::span<const DataBlock> b) {
  std::vector<uint64_t> offsets;
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const bool from_a = j == b.size() || (i < a.size() && a[i].offset <= b[j].offset);
    const bool from_b = i == a.size() || (j < b.size() && b[j].offset <= a[i].offset);
    const uint64_t offset = from_a ? a[i].offset : b[j].offset;
    if (!from_a || !from_b || a[i].hash != b[j].hash) offsets.push_back(offset);
    i += from_a ? 1 : 0;
    j += from_b ? 1 : 0;
  }
  return offsets;
}

/// The mapping of a process whose memory lies in the block at `offset` of the image, for people; empty
/// where it is no mapping's.
std::string owner(const View& view, const model::Process& process, uint64_t offset) {
  for (const model::Op& op : View::part(view.ops(), process.ops)) {
    if (!is_stored(op) || op.offset >= offset + DataBlock::kSize || op.offset + op.size <= offset)
      continue;
    for (const model::Mapping& m : View::part(view.mappings(), process.mappings)) {
      if (op.address < m.start || op.address >= m.end) continue;
      char range[48];
      snprintf(range, sizeof(range), "%" PRIx64 "-%" PRIx64, m.start, m.end);
      const std::string_view name = view.bytes(m.name);
      return std::string("the app's memory at ") + range +
             (name.empty() ? "" : " (" + std::string(name) + ")");
    }
  }
  return {};
}

std::string owner(const View& view, uint64_t offset) {
  for (const model::Process& process : view.processes())
    if (std::string found = owner(view, process, offset); !found.empty()) return found;
  return {};
}

}  // namespace

void forget_data(const View& view) {
  posix_fadvise(view.fd(), 0, static_cast<off_t>(view.header().metadata_offset),
                POSIX_FADV_DONTNEED);
}

Result<void> verify_data(const View& view) {
  THAW_ASSIGN(found, read_blocks(view));
  const std::vector<uint64_t> damaged = differences(view.data_blocks(), found);
  if (damaged.empty()) return {};
  const std::string holds = owner(view, damaged.front());
  return Error{0,
               "the image's page data is damaged: " + std::to_string(damaged.size()) +
                   " of its blocks of 1 MB, the first at byte " + std::to_string(damaged.front()) +
                   (holds.empty() ? "" : ", where " + holds + " begins or goes on"),
               "make the image again (thaw build) or copy it again"};
}

}  // namespace thaw::image
