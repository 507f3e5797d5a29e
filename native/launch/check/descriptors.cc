#include "launch/check/descriptors.h"

#include <sys/resource.h>

#include "fd/open_file.h"
#include "launch/open/descriptor_room.h"

namespace thaw::launch {

using image::View;

Result<void> check_descriptors(const View& view) {
  for (const model::OpenFile& file : view.open_files()) THAW_TRY(fd::check_open_file(view, file));
  return {};
}

Result<void> check_descriptor_limit(const View& view) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error("cannot read RLIMIT_NOFILE");
  // Each description counts twice: it stands out of the way before it stands at its number.
  const rlim_t needed = static_cast<rlim_t>(first_free_number(view)) +
                        view.open_files().size() * 2 + view.map_sources().size() + 16;
  if (limit.rlim_cur >= needed) return {};
  return Error{EMFILE,
               "the app needs descriptor numbers up to " + std::to_string(needed) +
                   " while it is launched, RLIMIT_NOFILE is " + std::to_string(limit.rlim_cur),
               "raise it (ulimit -n, LimitNOFILE=)"};
}

}  // namespace thaw::launch
