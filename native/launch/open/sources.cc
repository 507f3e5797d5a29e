#include "launch/open/sources.h"

#include <fcntl.h>

#include "fd/reopen.h"
#include "image/verify_data.h"
#include "launch/check/files.h"
#include "launch/open/uncached_copy.h"

namespace thaw::launch {

Result<void> Sources::open(const image::View& view, const DescriptorRoom& room,
                           SharedObjects& objects, const ExecCall& call) {
  for (const model::MapSource& source : view.map_sources()) {
    THAW_ASSIGN(fd, source.object != model::kNone ? open_object(room, objects, source)
                                                  : open_file(view, room, source, call));
    fds_.push_back(fd);
  }
  for (const model::Process& process : view.processes())
    programs_.push_back(open_program(view, room, call,
                                     process.parent == model::kNone
                                         ? view.requirements_record().program_file
                                         : process.program_file));
  if (call.trains()) forget(view);
  return {};
}

/// What was mapped by a descriptor for reading cannot be made writable.
Result<int> Sources::open_object(const DescriptorRoom& room, SharedObjects& objects,
                                 const model::MapSource& source) {
  THAW_ASSIGN(memory, objects.memory(source.object));
  if (source.open_flags != O_RDONLY) return memory;
  THAW_ASSIGN(fd, fd::open_again(memory, O_RDONLY));
  THAW_TRY(room.move(fd));
  return owned_.emplace_back(std::move(fd)).get();
}

Result<int> Sources::open_file(const image::View& view, const DescriptorRoom& room,
                               const model::MapSource& source, const ExecCall& call) {
  const model::File& file = view.files()[source.file];
  const char* path = view.bytes(file.path).data();
  UniqueFd fd(::open(path, static_cast<int>(source.open_flags & O_ACCMODE) | O_CLOEXEC));
  if (!fd.valid()) return errno_error(std::string("cannot open ") + path + ", which the app maps");
  if ((file.flags & model::kFileMapped) != 0) {
    THAW_TRY(check_file(view, file, fd.get()));
    if (call.trains())
      if (UniqueFd copy = uncached_copy(fd.get(), call.image); copy.valid()) fd = std::move(copy);
  }
  THAW_TRY(room.move(fd));
  return owned_.emplace_back(std::move(fd)).get();
}

/// The descriptor of that file if it is mapped for reading; -1 if it is not.
int Sources::fd_of(const image::View& view, model::Index file) const {
  const auto sources = view.map_sources();
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i].file == file && (sources[i].open_flags & O_ACCMODE) == O_RDONLY) return fds_[i];
  return -1;
}

/// The program itself, never a copy of it: its path is what the exe link shows.
int Sources::open_program(const image::View& view, const DescriptorRoom& room, const ExecCall& call,
                          model::Index program) {
  if (program == model::kNone) return -1;
  if (const int mapped = call.trains() ? -1 : fd_of(view, program); mapped >= 0) return mapped;
  UniqueFd fd(::open(view.bytes(view.files()[program].path).data(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || !room.move(fd)) return -1;
  return owned_.emplace_back(std::move(fd)).get();
}

/// Pages that lie in the page cache are mapped along with their neighbours, so they are dropped
/// from it. Those that other processes map stay there.
void Sources::forget(const image::View& view) const {
  image::forget_data(view);
  for (const int fd : fds_) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace thaw::launch
