#include "image/builder.h"

#include <sys/stat.h>

#include <algorithm>

#include "elf/build_id.h"
#include "image/view.h"

namespace thaw::image {

model::Blob Builder::blob(std::string_view bytes) {
  // Records of descriptor kinds are read in place: keep them aligned.
  while (blobs.size() % 8 != 0) blobs.push_back('\0');
  const model::Blob blob{blobs.size(), bytes.size()};
  blobs.insert(blobs.end(), bytes.begin(), bytes.end());
  blobs.push_back('\0');
  return blob;
}

model::Blob Builder::root_path(std::string_view path) {
  const model::Blob blob{root_paths.size(), path.size()};
  root_paths.insert(root_paths.end(), path.begin(), path.end());
  root_paths.push_back('\0');
  return blob;
}

Result<model::Index> Builder::file(int fd, std::string_view path, uint32_t file_flags) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error("cannot stat " + std::string(path));
  for (model::Index i = 0; i < files.size(); ++i) {
    if (files[i].ino != status.st_ino || files[i].dev != status.st_dev ||
        bytes(files[i].path) != path)
      continue;
    files[i].flags |= file_flags;
    return i;
  }
  model::File record;
  record.path = blob(path);
  record.dev = status.st_dev;
  record.ino = status.st_ino;
  record.size = static_cast<uint64_t>(status.st_size);
  record.mtime_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  record.mode = status.st_mode;
  record.flags = file_flags;
  if (S_ISREG(status.st_mode)) record.build_id = blob(elf::build_id(fd));
  return add(files, record);
}

Builder records_of(const View& view) {
  Builder builder;
#define X(name, type) builder.name.assign(view.name().begin(), view.name().end());
  THAW_SECTIONS(X)
#undef X
  const Header& header = view.header();
  builder.layouts = header.layouts;
  std::copy(std::begin(header.id), std::end(header.id), builder.id.emplace().begin());
  return builder;
}

}  // namespace thaw::image
