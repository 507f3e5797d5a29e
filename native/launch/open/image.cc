#include "launch/open/image.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "store/store.h"

namespace thaw::launch {
namespace {

/// 0 where the file is no image: whoever opens it says so.
uint32_t layouts_of(int fd) {
  uint32_t layouts = 0;
  const auto size = pread(fd, &layouts, sizeof(layouts), offsetof(image::Header, layouts));
  return size == ssize_t{sizeof(layouts)} && layouts <= image::kMostLayouts ? layouts : 0;
}

/// From the kernel's random bytes for this process: no system call. Libc makes its guard of pointers
/// from the same, which goes with thaw-exec's memory.
uint32_t draw(uint32_t count) {
  uint64_t random = 0;
  const auto* bytes = reinterpret_cast<const char*>(getauxval(AT_RANDOM));
  if (bytes != nullptr) memcpy(&random, bytes + sizeof(random), sizeof(random));
  return static_cast<uint32_t>((random * 0x9e3779b97f4a7c15 >> 32) % count);
}

/// Beside the first one; invalid where it cannot be had. Not inlined, for its stack.
[[gnu::noinline]] UniqueFd open_other(int first, uint32_t number) {
  char path[PATH_MAX], name[32];
  const std::string link = "/proc/self/fd/" + std::to_string(first);
  const ssize_t size = readlink(link.c_str(), path, sizeof(path));
  const std::string_view real(path, static_cast<size_t>(size < 0 ? 0 : size));
  snprintf(name, sizeof(name), store::kCurrentOf, number);
  const std::string other = std::string(real.substr(0, real.rfind('/') + 1)) + name;
  return UniqueFd(open(other.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

Result<image::View> open_image(const ExecCall& call, bool filtered) {
  UniqueFd fd(open(call.image, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error(std::string("cannot open the image ") + call.image);
  const uint32_t layouts = call.from_store ? layouts_of(fd.get()) : 1;
  const uint32_t number = layouts > 1 ? draw(layouts) : 0;
  if (number != 0)
    if (UniqueFd other = open_other(fd.get(), number); other.valid()) fd = std::move(other);
  return image::View::open(std::move(fd), call.image, {.filtered = filtered, .tail = false});
}

Result<void> move_image(image::View& view, const DescriptorRoom& room) {
  UniqueFd fd = view.take_fd();
  THAW_TRY(room.move(fd));
  view.set_fd(std::move(fd));
  return {};
}

}  // namespace thaw::launch
