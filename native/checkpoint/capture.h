// What the stages of a checkpoint hand on to each other: one Capture of the whole tree, in it one
// ProcessCapture for each process.
#pragma once

#include <sys/types.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/arch.h"
#include "checkpoint/content_hashes.h"
#include "checkpoint/openssl_versions.h"
#include "checkpoint/overlay.h"
#include "checkpoint/request.h"
#include "fd/kind.h"
#include "image/builder.h"
#include "lookups/lookups.h"
#include "proc/memory.h"
#include "proc/vma.h"
#include "shim/tables.h"
#include "support/unique_fd.h"

namespace thaw::checkpoint {

using proc::Vma;

/// A thread's signal state that goes into its signal frame.
struct SignalState {
  uint64_t blocked = 0;
  uint64_t stack_address = 0, stack_size = 0;
  int32_t stack_flags = 0;
};

/// One frozen thread: what its signal frame is made of. Its other state is in its record.
struct ThreadCapture {
  pid_t tid = 0;
  arch::Registers registers;  ///< ready for the signal frame
  SignalState signals;
  uint64_t waits_for = 0;         ///< the word for which it waits by futex(2), 0: none
  bool ends_by_handlers = false;  ///< it makes a call again that a handler of a signal ends
};

/// All of the memory behind a shared mapping, where nothing has a name for it.
struct HiddenMemory {
  uint64_t dev = 0, ino = 0;
  uint64_t size = 0;
  /// What the app does not map of it: is empty, holds data, is too large to be read, or cannot be
  /// looked at.
  enum class Rest : uint8_t { empty, data, large, unknown } rest = Rest::empty;
};

/// A ring of kernel AIO (io_setup(2)), without requests.
struct AioRing {
  pid_t pid = 0;
  uint64_t address = 0;   ///< by which the app calls it
  uint32_t events = 0;    ///< that it has room for
  uint32_t requests = 0;  ///< for io_setup(2) to make such a one
};

inline bool is_aio_ring(const Vma& vma) {
  return vma.path == "/[aio]";
}

/// struct termios of the kernel.
using TerminalMode = std::optional<std::array<uint8_t, model::kModeSize>>;

/// One frozen process.
struct ProcessCapture {
  explicit ProcessCapture(pid_t process_id, proc::Memory process_memory)
      : pid(process_id), memory(std::move(process_memory)) {}

  pid_t pid;
  proc::Memory memory;
  model::Process record;                 ///< as it goes into the image
  std::vector<Vma> vmas;                 ///< ascending
  std::vector<ThreadCapture> threads;    ///< the thread group leader first
  std::vector<int> expired_timers;       ///< ids of POSIX timers whose signal is pending
  uint64_t syscall_instruction = 0;      ///< address of one, for injected calls
  uint64_t scratch = 0;                  ///< writable page, for injected calls
  uint64_t ptrace_options = 0;           ///< of its threads, between injected calls
  uint32_t securebits = 0;               ///< of its threads (PR_GET_SECUREBITS)
  bool shim_allowed = true;              ///< its filters let the shim make its calls
  int stop_signal = 0;                   ///< that has stopped it, 0: it runs
  Overlay overlay;                       ///< bytes of its memory that differ in the image
  TerminalMode terminal_mode;            ///< none: it has no terminal, or others have set its mode
  std::optional<lookups::Seen> lookups;  ///< in its environment; none: it was not watched

  /// Index of the thread, model::kNone if the process has none of that id.
  [[nodiscard]] model::Index thread(pid_t tid) const;
  /// The mapping that holds `address`, or null.
  [[nodiscard]] const Vma* mapping(uint64_t address) const;
};

/// A process that has ended, and that its parent has not waited for.
struct EndedProcess {
  pid_t pid = 0;
  model::Process record;  ///< with one thread, which is nothing but the id
};

/// Device and inode.
using FileId = std::pair<uint64_t, uint64_t>;

/// Content of an open file that has no name: part of the image's page data.
struct FileContent {
  UniqueFd file;      ///< open for reading until it is written
  model::Range runs;  ///< DataRun records; planning gives them their place in the image
  Overlay overlay;
};

/// The checkpoint under way. Collecting fills it, planning completes the records and says where
/// page data goes, writing changes nothing.
struct Capture {
  Capture(const Request& checkpoint_request, size_t page)
      : request(checkpoint_request), page_size(page) {}

  const Request& request;
  size_t page_size;
  image::Builder image;                   ///< the records of all processes
  std::vector<ProcessCapture> processes;  ///< the root first, parents before children
  std::vector<EndedProcess> ended;        ///< in the image behind all of these
  std::vector<HiddenMemory> hidden;
  std::vector<FileContent> contents;
  std::map<FileId, Overlay> shared_overlays;  ///< by offset in the shared file or memory
  OpensslVersions openssl_versions;           ///< as far as they were seen before the freeze
  ContentHashes content_hashes;               ///< as far as they were made before the freeze
  std::vector<std::string> warnings;          ///< what somebody should know of the image
  std::vector<UniqueFd> copies;               ///< of the app's descriptors
  std::vector<AioRing> aio_rings;             ///< of all processes
  std::vector<shim::KnownIpc> known_ipc;      ///< System V semaphores and queues of the image
  std::vector<fd::Collector::ControllingTerminal> terminals;

  /// The process that becomes the caller of thaw-exec: program, arguments, identity are its own.
  [[nodiscard]] ProcessCapture& root() { return processes.front(); }
  [[nodiscard]] const ProcessCapture& root() const { return processes.front(); }
  [[nodiscard]] bool is_root(const ProcessCapture& process) const { return &process == &root(); }
  /// Whether the app is more than one process.
  [[nodiscard]] bool is_tree() const { return processes.size() + ended.size() > 1; }
  /// Index of the process in the image, model::kNone: it is no part of the app.
  [[nodiscard]] model::Index process(pid_t pid) const;
  /// Of all processes, by that index: those that live first.
  [[nodiscard]] std::vector<pid_t> pids() const;
  /// What is known of the memory behind a shared mapping, or null.
  [[nodiscard]] const HiddenMemory* hidden_memory(const Vma& vma) const;
};

}  // namespace thaw::checkpoint
