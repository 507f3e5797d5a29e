// From system calls to findings: which path an argument names, and what the call did with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "arch/file_calls.h"
#include "inputs/call_observer.h"
#include "inputs/findings.h"

namespace thaw::inputs {

/// A system call that a thread is in.
struct Call {
  const arch::FileCall* what = nullptr;
  uint64_t arguments[6] = {};
  std::string path, other;  ///< absolute; empty: none
  uint64_t flags = 0;       ///< O_* or AT_*
  bool was_there = false;   ///< the path, before a call that may make it
};

/// What is kept of a thread from one system call to the next.
struct ThreadState {
  Call call;
  std::string last_looked;  ///< path of the call before, if it was a look
  KeptCall kept;
};

class Observer {
 public:
  Observer(pid_t app, Findings& findings) : app_(app), findings_(findings) {}

  /// The thread, stopped, is about to make a system call.
  void enter(pid_t tid, ThreadState& thread, long number, const uint64_t* arguments);
  /// It has returned; negative errno on failure.
  void leave(pid_t tid, ThreadState& thread, int64_t result, bool settling);
  /// It runs another program now.
  void executed(pid_t tid);
  /// Something was done that cannot be watched.
  void unseen(std::string what);

 private:
  struct Folder {
    std::string path;  ///< as it was opened
    bool by_import = false, counted = false;
  };

  std::string absolute(pid_t tid, int folder, const std::string& path);
  void asked(model::MachineInput input);
  void asked_by_file(const std::string& path);
  void opened(pid_t tid, ThreadState& thread, int64_t result);
  void looked(const Call& call, int64_t result, bool settling);
  void listed(pid_t tid, int fd);
  void content_read(pid_t tid, int fd);
  void written(const std::string& path);
  void names_changed(const std::string& path);
  void read(const std::string& path);

  pid_t app_;
  Findings& findings_;
  std::map<std::string, Folder> folders_;       ///< open ones, by their real path
  std::map<std::string, std::string> updated_;  ///< open for reading and writing: real path, path
};

}  // namespace thaw::inputs
