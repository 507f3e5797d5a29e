// Who calls, and what for: user, security context, program, arguments, folder.
#pragma once

#include "image/view.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

Result<void> check_user(const image::View& view);

/// Root that may do less than root can (SECBIT_NOROOT) must not get more from thaw-exec's file
/// capabilities than exec would leave it; for other users AT_SECURE tells.
Result<void> check_capabilities();
/// The security module's context of the caller is the one that the app ran in.
Result<void> check_security_label(const image::View& view);

/// A shell with jobs (it ignores what they are stopped by) has made itself the leader of its process group,
/// as who leads one when it starts is already; in another's, it could not take the terminal back from
/// a job.
Result<void> check_group(const image::View& view);

/// The program and its arguments are part of the warm state: others mean another app. argv[0] is
/// only a name.
Result<void> check_arguments(const image::View& view, const ExecCall& call);

/// A folder is known by its path alone: the app gets the caller's own, whatever is in it now.
Result<void> check_folder(const image::View& view, const ExecCall& call);

}  // namespace thaw::launch
