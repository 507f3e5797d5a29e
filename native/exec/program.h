// PROGRAM as exec finds it, and the cold start.
#pragma once

#include <string>

namespace thaw::exec {

/// Absolute path of the program that execvp(3) would run; empty if there is none (errno is exec's).
std::string find_program(const char* name);

/// Replaces this process by the program, or exits as a shell would: 126 if it cannot be executed,
/// 127 if there is none.
[[noreturn]] void start_cold(const char* name, char* const* argv);

/// What start_cold_now() starts.
void set_cold_start(char* const* argv);

/// A cold start from anywhere, without any memory to allocate.
[[noreturn]] void start_cold_now();

}  // namespace thaw::exec
