#include "fd/pipe_content.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vector>

#include "fd/flags.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

constexpr uint64_t kMaxCapacity = uint64_t{1} << 30;
constexpr uint32_t kMaxPacket = 65536;  ///< PIPE_BUF is a page

int queued_bytes(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

/// A pipe of our own that holds the same buffers as `source`: tee(2) leaves them there.
Result<UniqueFd> copy_of(int source, int capacity, int queued) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno_error("cannot make a pipe");
  UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  if (fcntl(ends[1], F_SETPIPE_SZ, capacity) < 0)
    return errno_error("cannot make a pipe of " + std::to_string(capacity) +
                       " bytes to copy it to");
  const ssize_t copied = tee(source, ends[1], static_cast<size_t>(queued), SPLICE_F_NONBLOCK);
  if (copied != queued) return Error{copied < 0 ? errno : 0, "its content cannot be copied"};
  return read_end;
}

enum class Mode { stream, packet, unknown, mixed };

/// Whether the next `size` bytes of `fd` are one packet: reading a part of a packet throws its rest
/// away. Consumes them.
Mode take(int fd, ssize_t size, std::vector<char>& buffer) {
  const int before = queued_bytes(fd);
  if (read(fd, buffer.data(), 1) != 1) return Mode::mixed;
  const ssize_t gone = before - queued_bytes(fd);
  if (gone == size) return size == 1 ? Mode::unknown : Mode::packet;
  if (gone != 1) return Mode::mixed;
  return read(fd, buffer.data(), static_cast<size_t>(size - 1)) == size - 1 ? Mode::stream
                                                                            : Mode::mixed;
}

void append_packet(std::string& bytes, const char* packet, ssize_t size) {
  const auto length = static_cast<uint32_t>(size);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes.append(packet, length);
}

}  // namespace

Result<void> keep_pipe_content(image::Builder& image, int read_end, model::Object& object) {
  const int capacity = fcntl(read_end, F_GETPIPE_SZ);
  const int queued = queued_bytes(read_end);
  if (capacity <= 0 || queued < 0) return errno_error("its size cannot be told");
  object.size = static_cast<uint64_t>(capacity);
  if (queued == 0) return {};

  THAW_ASSIGN(data, copy_of(read_end, capacity, queued));
  THAW_ASSIGN(shape, copy_of(read_end, capacity, queued));
  std::vector<char> buffer(static_cast<size_t>(queued)), scratch(buffer.size());
  std::string stream, packets;
  bool any_stream = false, any_packet = false;
  ssize_t total = 0;
  // One read gives one packet, or all that was written as a stream.
  for (ssize_t n; total < queued && (n = read(data.get(), buffer.data(), buffer.size())) > 0;
       total += n) {
    const Mode mode = take(shape.get(), n, scratch);
    if (mode == Mode::mixed) any_stream = any_packet = true;
    if (mode == Mode::stream) any_stream = true;
    // A single byte that more follows ended a read: it is a packet.
    if (mode == Mode::packet || (mode == Mode::unknown && total + n < queued)) any_packet = true;
    stream.append(buffer.data(), static_cast<size_t>(n));
    append_packet(packets, buffer.data(), n);
  }
  if (total != queued) return Error{0, "its content cannot be copied"};
  if (any_stream && any_packet)
    return Error{0, "it holds both packets (O_DIRECT) and a stream of bytes"};
  if (any_packet) object.flags |= kPipePackets;
  object.content = image.blob(any_packet ? packets : stream);
  return {};
}

namespace {

Result<void> write_whole(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n <= 0) return errno_error("cannot put a pipe's content back");
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return {};
}

/// Cuts the first packet off `content`; empty at its end or if it is broken.
std::string_view next_packet(std::string_view& content) {
  uint32_t length = 0;
  if (content.size() < sizeof(length)) return {};
  memcpy(&length, content.data(), sizeof(length));
  if (length == 0 || length > kMaxPacket || length > content.size() - sizeof(length)) return {};
  const std::string_view packet = content.substr(sizeof(length), length);
  content.remove_prefix(sizeof(length) + length);
  return packet;
}

}  // namespace

Result<void> fill_pipe(const image::View& view, const model::Object& object, int write_end) {
  std::string_view content = view.bytes(object.content);
  if ((object.flags & kPipePackets) == 0)
    return write_whole(write_end, content.data(), content.size());
  const int flags = fcntl(write_end, F_GETFL);
  if (fcntl(write_end, F_SETFL, flags | O_DIRECT) != 0)
    return errno_error("cannot write packets to a pipe");
  while (!content.empty()) {
    const std::string_view packet = next_packet(content);
    if (packet.empty()) return Error{0, "a pipe's packets in the image are broken"};
    THAW_TRY(write_whole(write_end, packet.data(), packet.size()));
  }
  if (fcntl(write_end, F_SETFL, flags) != 0) return errno_error("cannot write packets to a pipe");
  return {};
}

Result<UniqueFd> open_closed_pipe(Opener&, const model::OpenFile& file) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  const uint32_t side = pipe_side(file.flags);
  UniqueFd kept(ends[side]);
  ::close(ends[1 - side]);
  THAW_TRY(set_status_flags(kept.get(), file.flags));
  return kept;
}

bool valid_pipe_object(const image::View& view, const model::Object& object) {
  if (object.kind != model::ObjectKind::pipe || object.size == 0 || object.size > kMaxCapacity ||
      (object.flags & ~uint32_t{kPipePackets}) != 0)
    return false;
  std::string_view content = view.bytes(object.content);
  if ((object.flags & kPipePackets) == 0) return content.size() <= object.size;
  while (!content.empty())
    if (next_packet(content).empty()) return false;
  return true;
}

}  // namespace thaw::fd
