// How the processes of an image come into being one from another.
#pragma once

#include <span>
#include <vector>

#include "image/model.h"

namespace thaw::image {

/// The most processes that an image may hold.
constexpr uint32_t kMostProcesses = 1024;

/// Which processes are made before their parent begins its session (setsid(2)): they stay in the one
/// that it comes from. Empty: the sessions of these processes, whose parents come first, cannot be had.
std::vector<bool> born_before_session(std::span<const model::Process> processes);

/// What wait(2) tells of a child that this signal has stopped.
constexpr uint32_t stop_status(int signal) {
  return static_cast<uint32_t>(signal) << 8 | 0x7f;
}

/// Whether it is the stop_status() of a signal that stops processes (signal(7)).
bool is_stop_status(uint32_t status);

/// Whether wait(2) tells of such an end that a process can come to without a core dump.
bool is_end_of_process(uint32_t status);

}  // namespace thaw::image
