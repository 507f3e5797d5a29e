// What the caller of a checkpoint asks for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inputs/call_gate.h"
#include "inputs/inputs.h"
#include "policy/policy.h"
#include "proc/given.h"
#include "proc/members.h"
#include "session/record/relay.h"
#include "support/seen_calls.h"

namespace thaw::checkpoint {

struct Request {
  pid_t pid = 0;      ///< root of the process tree
  std::string image;  ///< path of the image to write
  bool leave_running = false;
  policy::Policies policies;
  std::string program;                         ///< absolute; empty: /proc/PID/exe
  std::vector<std::string> arguments;          ///< argv[0]...; empty: /proc/PID/cmdline
  std::vector<std::string> environment;        ///< what the profile declares, "NAME=value"
  std::vector<std::string> started_with;       ///< all of it; empty: what /proc/PID/environ tells
  std::string environment_rule;                ///< `launch.env` of a profile; empty: "image"
  std::vector<std::string> ignored_variables;  ///< names that are no inputs
  std::string cwd;                             ///< where the app was started; empty: unknown
  bool any_folder = false;                     ///< a launch may come from another folder than `cwd`
  std::string profile;
  std::vector<int> inherit;           ///< descriptors beyond 0, 1, 2 that come from the caller
  bool clocks_jump = false;           ///< the app's clocks go on with the time since the checkpoint
  bool deliver_arguments = false;     ///< a launch may have other arguments: the app asks for them
  uint64_t call_address = 0;          ///< struct thaw_call of the app, 0: none
  bool keep_pid = false;              ///< each launch has the ids of the checkpoint,
  bool pid_namespace = false;         ///< or all of its processes, in a pid namespace of its own
  bool user_namespace = false;        ///< which is in a user namespace for who may make no other
  std::optional<proc::Given> given;   ///< what exec gave the app, where that is known
  inputs::Rules input_rules;          ///< what the profile says of inputs
  std::vector<inputs::Input> inputs;  ///< what the warm state was computed from
  bool watched = false;               ///< these are all there are
  std::optional<inputs::HeldCall> held;  ///< the call that each launch makes first
  std::optional<SeenCalls> calls;        ///< none: the app was not watched
  model::Machine machine;                ///< what of it the app has asked for
  std::string host_name;
  bool host_name_used = false;            ///< inputs::Findings::host_name_used
  std::shared_ptr<session::Relay> relay;  ///< between the app and its servers; null: none
  uint32_t guard_tries = 0;               ///< `launch.guard`; 0: none
  uint32_t guard_within_ms = 0;
  inputs::Root root;
  uint32_t layouts = 1;                 ///< `images` of a profile: this is one of so many
  std::vector<std::string> guards_off;  ///< hazard guards left out, for tests

  /// Whether memory holds the ids that each launch has.
  [[nodiscard]] bool keeps_ids() const { return keep_pid || pid_namespace; }
  [[nodiscard]] proc::Ids ids() const {
    return keeps_ids() ? proc::Ids::kept : proc::Ids::corrected;
  }
};

}  // namespace thaw::checkpoint
