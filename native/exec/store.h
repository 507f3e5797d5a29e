// Where images are found (the launcher writes the store: launcher/store).
#pragma once

#include <cstdint>
#include <string>

namespace thaw::exec {

/// Path of the image for a program and its arguments, or of a profile; empty if no store has one.
/// Stores: `store` alone if given; else $THAW_STORE alone; else the user's own, then /var/lib/thaw.
std::string find_image(const char* store, const char* profile, const char* program,
                       char* const* argv);

/// Name of the index entry for a launch: XXH3-64 of the program's path and its arguments
/// (argv[1]...), each with its NUL.
std::string launch_key(const char* program, char* const* argv);

/// The entry for a launch whose arguments the app asks for itself (`args = "deliver"`).
std::string any_arguments_key(const char* program);

}  // namespace thaw::exec
