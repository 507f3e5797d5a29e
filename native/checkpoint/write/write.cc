#include "checkpoint/write/write.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;

/// Reads parts of pieces, whole pages each, with what the image has changed in them.
class Source {
 public:
  explicit Source(const Capture& capture) : capture_(capture) {}

  Result<void> read(const Piece& piece, uint64_t from, char* bytes, size_t size) const {
    return std::visit([&](const auto& source) { return read(source, from, bytes, size); },
                      piece.source);
  }

 private:
  Result<void> read(const FromApp& source, uint64_t from, char* bytes, size_t size) const {
    const ProcessCapture& process = capture_.processes[source.process];
    process.memory.read_pages(source.address + from, bytes, size, capture_.page_size);
    process.overlay.apply(source.address + from, bytes, size);
    return {};
  }

  Result<void> read(const FromFile& source, uint64_t from, char* bytes, size_t size) const {
    const FileContent& content = capture_.contents[source.content];
    const uint64_t offset = source.offset + from;
    size_t done = 0;
    while (done < size) {
      const ssize_t got =
          pread(content.file.get(), bytes + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0) return errno_error("cannot read a file's content");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    memset(bytes + done, 0, size - done);
    content.overlay.apply(offset, bytes, size);
    return {};
  }

  Result<void> read(const Made& source, uint64_t from, char* bytes, size_t size) const {
    memcpy(bytes, source.data() + from, size);
    return {};
  }

  const Capture& capture_;
};

/// How many bytes of such a part, from its begin, belong to no call: what lies below the stack
/// pointer of the main thread.
size_t dead_bytes(const Capture& capture, const Piece& piece, uint64_t from, size_t size) {
  constexpr uint64_t kRedZone = 128;
  const auto* source = std::get_if<FromApp>(&piece.source);
  if (source == nullptr) return 0;
  const ProcessCapture& process = capture.processes[source->process];
  const uint64_t address = source->address + from;
  const uint64_t top = arch::stack_pointer(process.threads[0].registers);
  const Vma* stack = process.mapping(top);
  const bool dead = stack != nullptr && stack->path == "[stack]" &&
                    stack == process.mapping(address) && address + kRedZone < top;
  return dead ? static_cast<size_t>(std::min<uint64_t>(size, top - kRedZone - address)) : 0;
}

/// Pages that cannot be read count as zero: of an app that has died meanwhile none can be.
Result<void> check_alive(const ProcessCapture& process) {
  char byte = 0;
  return process.memory.read(process.syscall_instruction, &byte, sizeof(byte));
}

}  // namespace

Result<image::Writer> write_pages(const Capture& capture, const PageData& data, HostName& name) {
  THAW_ASSIGN(writer, image::Writer::create(capture.request.image, capture.page_size));
  const Source source(capture);
  std::vector<char> buffer(kChunk);
  uint64_t scanned = 0;
  for (const Piece& piece : data.pieces())
    for (uint64_t done = 0; done < piece.size; done += kChunk) {
      const size_t size = std::min<uint64_t>(kChunk, piece.size - done);
      THAW_TRY(source.read(piece, done, buffer.data(), size));
      THAW_TRY(writer.write(piece.place + done, buffer.data(), size));
      const size_t dead = dead_bytes(capture, piece, done, size);
      const bool joined = dead == 0 && piece.place + done == scanned;
      name.scan(std::span(buffer.data(), size).subspan(dead), joined);
      scanned = piece.place + done + size;
    }
  for (const ProcessCapture& process : capture.processes) THAW_TRY(check_alive(process));
  return writer;
}

Result<uint64_t> finish(const Capture& capture, const PageData& data, image::Writer& writer) {
  THAW_ASSIGN(header, writer.finish(capture.image, data.end(), arch::kThisCpu.number));
  return header.file_size;
}

}  // namespace thaw::checkpoint
