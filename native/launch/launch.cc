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
#include "launch/prepare/attached_memory.h"
#include "launch/prepare/descriptors.h"
#include "launch/prepare/hand_over.h"
#include "launch/prepare/ipc_objects.h"
#include "launch/prepare/keep_pid.h"
#include "launch/prepare/kernel_mappings.h"
#include "launch/prepare/ready_message.h"
#include "launch/prepare/signal_block.h"
#include "launch/prepare/time_namespace.h"
#include "launch/prepare/way_back.h"
#include "launch/tree/tree.h"

namespace thaw::launch {
namespace {

using image::View;

/// From there on, the only way back is the restorer's own cold start.
Result<void> enter_restorer(const Prepared& prepared, const HandedOver& handed_over) {
  const auto& [area, handover] = handed_over;
  const auto threads = prepared.view.threads();
  THAW_TRY(arch::take_over_extras(View::part(threads, prepared.tree.process().threads)));
  THAW_TRY(area.take_metadata());  // Last: nothing finds it where it was.
  raw::switch_stack(area.leader_stack_end(), area.start(), handover);
}

/// Each process of the app for itself. What has been prepared so far was the root's, and is everybody's.
Result<void> execute(const Prepared& prepared, KernelMappings& kernel, Descriptors& descriptors,
                     InputsCheck& inputs, Guard& guard) {
  const Tree& tree = prepared.tree;
  if (tree.is_member())
    THAW_TRY(
        kernel.place(prepared.view, tree.process(), prepared.attached.moves_of(tree.process())));
  THAW_TRY(descriptors.restore(tree));
  if (!tree.is_member()) THAW_TRY(inputs.leave_to_helpers());
  THAW_ASSIGN(handed_over, hand_over(prepared));
  if (!tree.is_member()) guard.settle();
  return enter_restorer(prepared, handed_over);
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
  ReadyMessage ready;
  THAW_TRY(ready.open(call, room));
  Descriptors descriptors(view, room, objects);
  // A stale image shows nothing.
  if (!inputs.helpers().empty() &&
      (descriptors.are_seen_outside() || AttachedMemory::is_seen_outside(view) ||
       IpcObjects::are_seen_outside(view)))
    THAW_TRY(inputs.finish());
  IpcObjects ipc;
  THAW_TRY(ipc.open(view));
  AttachedMemory attached;
  THAW_TRY(attached.attach(view));
  THAW_ASSIGN(kernel, KernelMappings::read(attached.moves()));
  THAW_TRY(kernel.place(view, view.root_process(), attached.moves_of(view.root_process())));
  THAW_TRY(descriptors.open());
  Tree tree(view);
  RestorerCode code;
  Result<void> result;
  if (view.processes().size() > 1) {
    code = RestorerCode::for_all(view, kernel);
    result = tree.grow(guard, descriptors);
  }
  const Prepared prepared = {call,   view,        tree,    code,   signals,
                             clocks, way_back,    sources, kernel, attached,
                             ipc,    descriptors, guard,   inputs, ready};
  if (result) result = execute(prepared, kernel, descriptors, inputs, guard);
  if (tree.is_member()) tree.give_up(call, result.error());
  return result;
}

Result<void> become_app(const ExecCall& call) {
  // Open: the image alone. What it names is opened once the image has been found right.
  const bool filtered = is_filtered();
  THAW_ASSIGN(view, open_image(call, filtered));

  // Check: every condition but those of the files that the app maps, each checked as it is opened.
  if (filtered) THAW_TRY(check_filter(view, call));  // First: a filter may kill for the others.
  THAW_TRY(check_owner(view.fd(), call.image));
  THAW_TRY(check_launch(view, call));
  THAW_ASSIGN(rows, rows_to_compare(view, call));
  SignalBlock signals;
  // With keep_pid, helpers would be the stand-in's children.
  InputsCheck inputs(view, call, rows, !filtered && !keeps_pid(view, call), tell_of_fallback);
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
