// The pid of the app: the caller's, or, with --keep-pid and keep_pid, that of the checkpoint.
#pragma once

#include "image/view.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// Whether the app gets the process and thread ids that it had.
bool keeps_pid(const image::View& view, const ExecCall& call);

/// Whether settle_pid() has entered a user namespace.
bool is_in_user_namespace();

/// Where the app keeps its pid or has a namespace, returns in a child that has it (clone3 with set_tid:
/// CAP_CHECKPOINT_RESTORE). The parent stands for it: it forwards signals, stops and continues with
/// the child, ends as the child ends and takes it along when it is killed; it never returns. Where
/// not, refuses the pid that the app had.
Result<void> settle_pid(const image::View& view, const ExecCall& call);

/// Whether settle_pid() has made this process, for which its parent stands. Asks the kernel nothing: a
/// filter may kill for that.
bool has_stand_in();

}  // namespace thaw::launch
