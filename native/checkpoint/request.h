// What the caller of a checkpoint asks for, and what the parts of a checkpoint hand on to each
// other.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "image/builder.h"
#include "image/writer.h"
#include "policy/policy.h"
#include "proc/vma.h"

namespace thaw::checkpoint {

using proc::Vma;

struct Request {
  pid_t pid = 0;
  std::string image;  ///< path of the image to write
  bool leave_running = false;
  policy::Policies policies;
  std::string program;                   ///< absolute; empty: /proc/PID/exe
  std::vector<std::string> arguments;    ///< argv[0]...; empty: /proc/PID/cmdline
  std::vector<std::string> environment;  ///< what the profile declares, "NAME=value"
  std::string cwd;                       ///< where the app was started; empty: unknown
  std::string profile;
  std::vector<int> inherit;        ///< descriptors beyond 0, 1, 2 that come from the caller
  bool deliver_arguments = false;  ///< a launch may have other arguments: the app asks for them
  uint64_t call_address = 0;       ///< struct thaw_call of the app, 0: none
  std::vector<std::string> guards_off;  ///< hazard guards left out, for tests
};

/// A thread's signal state that goes into its signal frame.
struct SignalState {
  uint64_t blocked = 0;
  uint64_t stack_address = 0, stack_size = 0;
  int32_t stack_flags = 0;
};

/// The state of one checkpoint under way: collect fills it, plan turns it into ops, write stores
/// it.
struct Capture {
  const Request& request;
  image::Builder& image;
  image::Writer& writer;
  model::Process process;
  std::vector<Vma> vmas;
  std::vector<pid_t> tids;
  std::vector<arch::Registers> registers;  ///< per thread, ready for the signal frame
  std::vector<SignalState> signal_states;
  std::vector<int> expired_timers;  ///< ids of POSIX timers whose signal is pending
  uint64_t syscall_instruction = 0;
  uint64_t scratch = 0;  ///< writable page of the app, for injected calls
  UniqueFd memory;       ///< /proc/PID/mem
};

/// Reads the app's memory, also where it has no right to read it itself.
Result<void> read_app(const Capture& capture, uint64_t address, void* bytes, size_t size);

// The parts, in the order in which checkpoint.cc calls them.
Result<void> prepare_injection(Capture& capture);
Result<void> collect_threads(Capture& capture);
Result<void> collect_process(Capture& capture);
Result<void> collect_requirements(Capture& capture);
Result<void> collect_descriptors(Capture& capture);
Result<void> plan_memory(Capture& capture);

}  // namespace thaw::checkpoint
