// Files as a training launch maps them: with pages that come in one by one, each because the app
// touched it.
#pragma once

#include "support/unique_fd.h"

namespace thaw::launch {

/// A nameless copy of `file` with nothing of it in the page cache, in the folder of the file
/// `beside` or in /var/tmp. Of a file that other processes map as well (libc, the program that runs
/// the training), the page cache keeps what these use, and the kernel maps such pages along with
/// their neighbours (do_fault_around in mm/memory.c): they would all look touched.
/// Invalid where there can be none: no right, no room to spare, a file of more than 512 MB, memory
/// for storage, or no program may be mapped from there.
UniqueFd uncached_copy(int file, const char* beside);

}  // namespace thaw::launch
