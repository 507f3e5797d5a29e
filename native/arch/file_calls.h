// The system calls by which a program looks at files, and at the machine that it runs on. Their numbers differ between CPUs, and the
// newer CPUs lack the older calls.
#pragma once

#include <cstdint>

namespace thaw::arch {

enum class FileUse : uint8_t {
  open,        ///< by the flags of open(2)
  open_how,    ///< by a struct open_how
  create,      ///< creat(2)
  look,        ///< what stat(2) tells, or whether it is there
  link,        ///< the same of a link itself
  execute,     ///< execve(2)
  list,        ///< the names in the folder of a descriptor
  read,        ///< the content behind a descriptor
  write,       ///< makes, changes, moves or removes what is at a path
  ring,        ///< io_uring: what is opened through it is not seen
  handle,      ///< open_by_handle_at(2): has no path
  other_root,  ///< from there on, paths mean something else
  notify,      ///< inotify_add_watch(2)
  host_name,   ///< the machine's, and so on: see model::MachineInput
  cpus,
  memory,
};

/// Which of the arguments hold what; -1: none.
struct FileCall {
  long number;
  FileUse use;
  int8_t folder = -1;  ///< descriptor of the folder that a relative path starts at
  int8_t path = -1;
  int8_t flags = -1;       ///< O_*, AT_* or the struct open_how, as the use has it
  int8_t descriptor = -1;  ///< of list and read
  int8_t other_folder = -1, other_path = -1;  ///< of calls that take two
};

/// What the call `number` of this CPU does with files; null: nothing.
const FileCall* file_call(long number);

}  // namespace thaw::arch
