// How a file that an image depends on is known again: on the device that made the image, and in
// another root file system (another device, a squashfs made of a folder) that holds a copy of it.
#pragma once

#include <sys/stat.h>

#include "image/view.h"

namespace thaw::image {

enum class Likeness {
  same,     ///< the file of the record, or a faithful copy of it
  changed,  ///< other content: another size, or written to since
  other,    ///< same size, but no sign that it is the same: another build-id or time
};

/// Compares a regular file, open at `fd`, with its record. The very file (device and inode) has the
/// same size and mtime. A copy has the same size and build-id; without a build-id the same size and
/// mtime. On the same device, where a copy means that something was put in its place, a build-id
/// counts only with the mtime. Device numbers prove nothing by themselves: they are given out in
/// the order of mounts. File systems of devices (squashfs, jffs2, ubifs images) and archives keep
/// whole seconds, which stand for any time within that second.
Likeness compare(const View& view, const model::File& file, int fd, const struct stat& status);

/// Whether two modification times, in nanoseconds, can be those of a file and its copy.
bool same_time_of_copy(int64_t a, int64_t b);

/// What tells, besides its looks, that an input is the same: one of the image's files with a build-id, under whatever name
/// the app has used it. Null: nothing does.
const model::File* file_with_build_id(const View& view, const model::Input& input);

}  // namespace thaw::image
