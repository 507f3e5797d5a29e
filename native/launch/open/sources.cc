#include "launch/open/sources.h"

#include <fcntl.h>

#include "launch/check/check.h"
#include "launch/open/uncached_copy.h"

namespace thaw::launch {

Result<void> Sources::open(const image::View& view, Descriptors& descriptors,
                           const char* training) {
  for (const model::MapSource& source : view.map_sources()) {
    if (source.object != model::kNone) {
      THAW_ASSIGN(memory, descriptors.object_memory(source.object));
      fds_.push_back(memory);
      continue;
    }
    const model::File& file = view.files()[source.file];
    const char* path = view.bytes(file.path).data();
    UniqueFd fd(::open(path, static_cast<int>(source.open_flags & O_ACCMODE) | O_CLOEXEC));
    if (!fd.valid())
      return errno_error(std::string("cannot open ") + path + ", which the app maps");
    if ((file.flags & model::kFileMapped) != 0) {
      THAW_TRY(check_file(view, file, fd.get()));
      if (training != nullptr)
        if (UniqueFd copy = uncached_copy(fd.get(), training); copy.valid()) fd = std::move(copy);
    }
    THAW_ASSIGN(moved, descriptors.move_high(std::move(fd)));
    fds_.push_back(moved.get());
    owned_.push_back(std::move(moved));
  }
  return {};
}

int Sources::fd_of(const image::View& view, model::Index file) const {
  const auto sources = view.map_sources();
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i].file == file && (sources[i].open_flags & O_ACCMODE) == O_RDONLY) return fds_[i];
  return -1;
}

}  // namespace thaw::launch
