// Collecting: everything that an image keeps of the frozen processes but their memory, whose
// mappings are only listed. No byte of page data is written yet.
#pragma once

#include <span>

#include "checkpoint/capture.h"
#include "checkpoint/freeze/frozen_tree.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "fd/probe.h"

namespace thaw::checkpoint {

/// Fills `capture`, whose processes are still none. Refuses state that cannot be restored, with the
/// remedy.
Result<void> collect(Capture& capture, const FrozenTree& app);

// The parts, in the order in which they are called.
Result<void> collect_threads(Capture& capture, ProcessCapture& process);
Result<void> collect_process(Capture& capture, ProcessCapture& process);
/// Refuses what a thread (the one that `remote` speaks to) or the process has set and no launch
/// would.
Result<void> check_settings(const ProcessCapture& process, RemoteSyscalls& remote, bool of_thread);
/// The same of PR_SET_IO_FLUSHER, which a thread may not ask itself about.
Result<void> check_io_flusher(const ProcessCapture& process, pid_t tid);
/// Of a thread: refuses those that a launch would not have.
Result<void> collect_securebits(const Capture& capture, ProcessCapture& process, pid_t tid,
                                RemoteSyscalls& remote);
/// Of a member; its threads have been collected. Refuses what could not be set again.
Result<void> collect_credentials(Capture& capture, ProcessCapture& process);
/// Of a process that has ended.
Result<void> collect_users(Capture& capture, EndedProcess& process);
Result<void> check_session_keyring(const Capture& capture, const ProcessCapture& process,
                                   RemoteSyscalls& remote);
Result<void> collect_membarrier(ProcessCapture& process, RemoteSyscalls& remote);
/// Refuses rings with requests under way, or whose results the app has not read.
Result<void> collect_aio(Capture& capture, const ProcessCapture& process, RemoteSyscalls& remote);
Result<void> collect_protection_keys(ProcessCapture& process, RemoteSyscalls& remote);
/// The filters of system calls that all threads have. Refuses those under which a launch could not be
/// finished.
Result<void> collect_filters(Capture& capture, ProcessCapture& process);
/// Of mappings that nothing else may lead to.
Result<void> collect_hidden_memory(Capture& capture, const ProcessCapture& process,
                                   RemoteSyscalls& remote);
Result<void> collect_tracer(const Capture& capture, ProcessCapture& process);
Result<void> collect_own_settings(Capture& capture, ProcessCapture& process);
/// Refuses an app that has changed its rights since it was started, or where thaw has not started
/// it: that has others than thaw.
Result<void> check_own_rights(const Request& request, pid_t pid);
/// Parents, process groups and sessions, also of the processes that have ended.
Result<void> collect_kinship(Capture& capture);
/// Which of the process's children are stopped, and what it has not heard of that yet.
Result<void> collect_stops_of_children(Capture& capture, const ProcessCapture& parent,
                                       RemoteSyscalls& remote);
Result<void> collect_requirements(Capture& capture);
Result<void> collect_environment(Capture& capture, model::Requirements& needs);
void collect_answer(Capture& capture);
/// With `refusals`, it goes on behind a descriptor that is refused, and lists them there.
Result<void> collect_descriptors(Capture& capture, std::vector<Error>* refusals = nullptr);
/// Terminals of sessions that the app has begun, and whose group is in the foreground; once the
/// descriptors are known. Refuses those that no launch could give.
Result<void> collect_controlling_terminals(Capture& capture);
/// Where each launch makes a pid namespace: refuses what means a process or group outside of it.
Result<void> check_pid_namespace(Capture& capture);
/// What `p`, a descriptor of the app's with that number, shows of the app's terminal.
void collect_terminal(const fd::Probe& p, int number, model::Terminal& terminal,
                      TerminalMode& own_mode, std::vector<std::string>& warnings);

/// Where each launch sends the app SIGWINCH, the call that it waits in ends by that.
void expect_redraw(const Capture& capture, ProcessCapture& process);
/// Once all files are known that a launch opens.
void collect_inputs(Capture& capture);

}  // namespace thaw::checkpoint
