// Checks what the processes of an image say of each other.
#pragma once

#include "image/view.h"

namespace thaw::image {

/// What is wrong; null: nothing. Before anything else of the processes is looked at.
const char* validate_tree(const View& view);

/// Whether the open files are finished by processes that have them, and signal processes that exist.
/// The descriptors have been checked.
const char* validate_file_users(const View& view);

/// Whether the kernel may be given these; the blobs are for the caller to check.
bool sound_credentials(const model::Credentials& credentials);

}  // namespace thaw::image
