#include "launch/check/pid_files.h"

#include <string>

#include "support/pid_file.h"

namespace thaw::launch {

Result<void> check_pid_files(const image::View& view) {
  for (const model::IdNotice& notice : view.id_notices()) {
    if (notice.form != model::IdForm::written_pid_file) continue;
    const std::string path(view.bytes(notice.text));
    if (const pid_t other = living_process_in(path); other != 0)
      return Error{0,
                   path + " names process " + std::to_string(other) +
                       ", which lives: it may be another instance",
                   "end that process, or remove the file"};
  }
  return {};
}

}  // namespace thaw::launch
