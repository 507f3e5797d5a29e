#include "launch/launch.h"

#include "arch/arch.h"
#include "arch/this_cpu.h"
#include "launch/check/check.h"
#include "launch/check/filter.h"
#include "launch/check/inputs.h"
#include "launch/check/owner.h"
#include "launch/fallback.h"
#include "launch/guard/guard.h"
#include "launch/open/image.h"
#include "launch/open/shared_objects.h"
#include "launch/open/sources.h"
#include "launch/prepare/descriptors.h"
#include "launch/prepare/hand_over.h"
#include "launch/prepare/keep_pid.h"
#include "launch/prepare/kernel_mappings.h"
#include "launch/prepare/signal_block.h"
#include "launch/prepare/time_namespace.h"
#include "launch/prepare/way_back.h"

namespace thaw::launch {
namespace {

using image::View;

/// From there on, the only way back is the restorer's own cold start.
Result<void> enter_restorer(const View& view, const HandedOver& handed_over) {
  const auto& [area, handover] = handed_over;
  THAW_TRY(arch::take_over_extras(View::part(view.threads(), view.root_process().threads)));
  THAW_TRY(area.take_metadata());  // Last: nothing finds it where it was.
  raw::switch_stack(area.leader_stack_end(), area.start(), handover);
}

/// Prepare: all that can be had while a cold start is still just a return away. Each of the objects
/// here takes back what it did when it goes: on every return, the caller has what it had.
Result<void> prepare_and_execute(View& view, const ExecCall& call, bool filtered,
                                 const SignalBlock& signals, InputsCheck& inputs) {
  Guard guard;
  if (!filtered) THAW_TRY(guard.begin(view, call));
  const DescriptorRoom room(view);
  THAW_TRY(move_image(view, room));
  TimeNamespace clocks;
  SharedObjects objects(view, room);
  Sources sources;
  THAW_TRY(sources.open(view, room, objects, call));
  THAW_TRY(clocks.continue_clocks(view, room));
  WayBack way_back;
  THAW_TRY(way_back.open(view, room, clocks));
  THAW_ASSIGN(kernel, prepare_kernel_mappings(view));
  Descriptors descriptors(view, room, objects);
  // A stale image shows nothing.
  if (!inputs.helpers().empty() && descriptors.are_seen_outside()) THAW_TRY(inputs.finish());
  THAW_TRY(descriptors.restore());
  THAW_TRY(inputs.leave_to_helpers());
  THAW_ASSIGN(handed_over, hand_over({call, view, signals, clocks, way_back, sources, kernel,
                                      descriptors, guard, inputs}));
  guard.settle();

  // Execute.
  return enter_restorer(view, handed_over);
}

Result<void> become_app(const ExecCall& call) {
  // Open: the image alone. What it names is opened once the image has been found right.
  const bool filtered = is_filtered();
  THAW_ASSIGN(view, open_image(call, filtered));

  // Check: every condition but those of the files that the app maps, each checked as it is opened.
  if (filtered) THAW_TRY(check_filter(view, call));  // First: a filter may kill for the others.
  THAW_TRY(check_owner(view.fd(), call.image));
  THAW_TRY(check_launch(view, call));
  SignalBlock signals;
  // With keep_pid, helpers would be the stand-in's children.
  InputsCheck inputs(view, call, !filtered && !keeps_pid(view, call), tell_of_fallback);
  // A helper that the terminal stops would hold the launch up; alone, Ctrl-C ends a wait for a disk.
  if (inputs.wants_helpers()) THAW_TRY(signals.block());
  THAW_TRY(inputs.begin());
  THAW_TRY(settle_pid(view, call));  // Last: from there on, the caller may only be a stand-in.
  THAW_TRY(signals.block());

  Result<void> result = prepare_and_execute(view, call, filtered, signals, inputs);
  THAW_TRY(inputs.finish());  // First: their change may be what was in the way.
  return result;
}

}  // namespace

Error launch(const ExecCall& call) {
  return become_app(call).error();
}

}  // namespace thaw::launch
