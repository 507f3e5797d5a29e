// What a launch has made ready when it hands over to the restorer.
#pragma once

#include "image/view.h"
#include "launch/check/inputs.h"
#include "launch/exec_call.h"
#include "launch/guard/guard.h"
#include "launch/open/sources.h"
#include "launch/prepare/attached_memory.h"
#include "launch/prepare/descriptors.h"
#include "launch/prepare/ipc_objects.h"
#include "launch/prepare/kernel_mappings.h"
#include "launch/prepare/ready_message.h"
#include "launch/prepare/signal_block.h"
#include "launch/prepare/time_namespace.h"
#include "launch/prepare/way_back.h"
#include "launch/tree/tree.h"

namespace thaw::launch {

class RestorerCode;

struct Prepared {
  const ExecCall& call;
  const image::View& view;
  const Tree& tree;
  RestorerCode& code;  ///< that of all processes; taken by the area
  const SignalBlock& signals;
  const TimeNamespace& clocks;
  const WayBack& way_back;
  const Sources& sources;
  const KernelMappings& kernel;
  const AttachedMemory& attached;
  const IpcObjects& ipc;
  const Descriptors& descriptors;
  const Guard& guard;
  const InputsCheck& inputs;
  const ReadyMessage& ready;
};

}  // namespace thaw::launch
