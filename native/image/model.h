// The model: what thaw knows of a checkpointed process tree. Checkpoint fills these records, the
// image holds them as they are, and a launch reads them in place. Records are plain data with fixed
// layout, the same on every CPU that can share an image version; they refer to each other by index
// and to bytes by Blob, never by pointer.
#pragma once

#include <cstdint>
#include <type_traits>

namespace thaw::model {

/// Index of a record in its own table.
using Index = uint32_t;
constexpr Index kNone = 0xffffffffu;

/// `count` consecutive records of another table.
struct Range {
  Index first = 0;
  uint32_t count = 0;
};

/// Bytes in the image's blob section. A NUL that `size` does not count always follows, so that a
/// path or a name can be given to the kernel in place.
struct Blob {
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// Which variables of the caller's environment the warm state depends on (docs/environment.md).
enum class EnvironmentRule : uint32_t {
  image,      ///< none: the app keeps its own environment; the caller only must not contradict
  all,        ///< all, but for `ignored`
  looked_up,  ///< `inputs`
  deliver,    ///< none: the app gets the caller's
};

/// The longest `guard_within_ms`.
constexpr uint32_t kMostGuardedMs = 3'600'000;

/// A read-only file system whose content one of its files names (image/root_identity.h).
struct RootIdentity {
  Blob file;     ///< path; empty: none
  Blob folders;  ///< each ended by NUL
  uint64_t content = 0, mounts = 0;
};

/// What of the machine a program can ask for (image/machine.h).
enum class MachineInput : uint32_t {
  host_name,
  allowed_cpus,
  online_cpus,
  cpu_limit,
  memory,
  memory_limit,
  count
};
constexpr uint32_t kMachineInputs = static_cast<uint32_t>(MachineInput::count);

/// What the app has asked for in its warm-up.
struct Machine {
  uint32_t asked = 0;  ///< bit n: MachineInput n
  uint32_t reserved = 0;
  uint64_t values[kMachineInputs] = {};  ///< of those, image::machine_value()
};

/// What the whole image needs of the device, and when it was made.
struct Requirements {
  uint64_t cpu_features[8] = {};  ///< arch::cpu_features(): a launch needs all of these bits
  uint64_t monotonic_ns = 0;      ///< CLOCK_MONOTONIC at checkpoint, as the app saw it
  uint64_t boottime_ns = 0;       ///< CLOCK_BOOTTIME at checkpoint, as the app saw it
  uint64_t realtime_ns = 0;       ///< CLOCK_REALTIME at checkpoint
  uint64_t vdso_hash = 0;         ///< XXH3 of the [vdso] bytes; 0 if the app had none
  Blob kernel;                    ///< uname release and version, for people
  Blob vdso;                      ///< the vDSO's bytes, for trampolines under another kernel
  Blob sigpage;                   ///< ARM: bytes of [sigpage], which lies at vvar_start
  Blob security_label;            ///< /proc/PID/attr/current, empty without a security module
  Blob program;       ///< path that exec was called with (the profile's program, absolute)
  Blob arguments;     ///< argv[0..], each ended by NUL: the launch must have the same
  Blob environment;   ///< the app's environment at start, each ended by NUL
  Blob declared;      ///< what of it the profile declares: the caller must not set other values
  Blob profile;       ///< profile name, or empty
  uint32_t euid = 0;  ///< owner of the app at checkpoint
  uint32_t egid = 0;
  Index program_file = kNone;      ///< File that /proc/PID/exe named
  uint32_t deliver_arguments = 0;  ///< 1: the App API may give the app other arguments
  uint64_t call_address = 0;       ///< struct thaw_call in the app's memory, 0 if it has none
  Blob folder;   ///< where the app was started, and a launch must be; empty: anywhere
  Blob inputs;   ///< names of variables that the app looked up, each ended by NUL
  Blob ignored;  ///< names that are never inputs, each ended by NUL; "*" stands for any ending
  Blob own;      ///< names of variables that the app has set or removed itself, each ended by NUL
  Blob own_strings;              ///< uint64_t addresses, in the app, of the strings that it has set
  uint64_t environ_address = 0;  ///< libc's `environ` in the app, 0: nothing can be delivered
  EnvironmentRule environment_rule = EnvironmentRule::image;
  uint32_t clocks_jump = 0;      ///< 1: the time since the checkpoint has passed for the app, too
  uint64_t image_inode = 0;      ///< of the image file: a copy of it has another one
  uint32_t watched = 0;          ///< 1: the warm-up was watched, so that all inputs are known
  uint32_t guard_tries = 0;      ///< launches that may die early before a cold start; 0: no guard
  uint32_t guard_within_ms = 0;  ///< what is early, since the launch
  uint32_t guard_reserved = 0;
  Machine machine;
  Blob host_name;  ///< where it was asked for
  RootIdentity root;
};

/// prctl_mm_map of <linux/prctl.h> without its pointers.
struct MemoryLayout {
  uint64_t start_code = 0, end_code = 0, start_data = 0, end_data = 0, start_brk = 0, brk = 0,
           start_stack = 0;
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
};

/// struct itimerval, in microseconds.
struct IntervalTimer {
  uint64_t interval_us = 0, value_us = 0;
};

enum ProcessFlag : uint32_t {
  kDumpable = 1u << 0,
  kChildSubreaper = 1u << 1,
  kThpDisable = 1u << 2,
  kNoNewPrivileges = 1u << 3,
  kCwdMoved = 1u << 4,            ///< the app called chdir: the image's cwd, not the caller's
  kShimGuards = 1u << 5,          ///< libc entry points are redirected (docs/hazards.md)
  kThpExceptAdvised = 1u << 6,    ///< with kThpDisable: but where madvise(2) asks for them
  kMemoryMerge = 1u << 7,         ///< PR_SET_MEMORY_MERGE
  kMdwe = 1u << 8,                ///< PR_MDWE_REFUSE_EXEC_GAIN
  kMdweNoInherit = 1u << 9,       ///< with kMdwe: PR_MDWE_NO_INHERIT
  kLockFuture = 1u << 10,         ///< mlockall(MCL_FUTURE)
  kLockFutureOnFault = 1u << 11,  ///< with kLockFuture: MCL_ONFAULT
  kKeepPid = 1u << 12,            ///< each launch has the ids of the checkpoint, or is a cold start
  kOwnUmask = 1u << 13,           ///< the app has set `umask`: not the caller's
  kNeedsNewPid = 1u << 14,        ///< with the same pid, random numbers are repeated
  kOwnOomScore = 1u << 15,        ///< the app has set `oom_score_adj`: not the caller's
  kOwnTracer = 1u << 16,          ///< the app has called PR_SET_PTRACER: for nobody, unless
  kTracedByAny = 1u << 17,        ///< for PR_SET_PTRACER_ANY, or
  kTracedByOwn = 1u << 18,        ///< for itself and its descendants
  kNoTerminal = 1u << 19,  ///< it has given up its session's controlling terminal (TIOCNOTTY)
  kOwnStdio = 1u << 20,    ///< of 0, 1 and 2, it has closed those that are none of its descriptors
  /// with kKeepPid: in a pid namespace of the launch's own, where it is theirs; of all processes
  kPidNamespace = 1u << 21,
  /// with kPidNamespace: for who may not make one, in a user namespace
  kUserNamespace = 1u << 22,
};

/// struct rlimit64; ~0: the caller's hard limit.
struct Limit {
  uint64_t soft = ~uint64_t{0}, hard = ~uint64_t{0};
};

/// Bits of a flag word that the app has set or cleared itself.
struct OwnBits {
  uint32_t changed = 0, value = 0;
};

/// The app's terminal: what the app has made of its mode (struct termios of the kernel), and the size
/// that it knows.
struct Terminal {
  uint32_t standard = 0;  ///< bit n: descriptor n of 0, 1, 2 was it
  int32_t held = -1;      ///< a descriptor of /dev/tty, which is it as well
  OwnBits input, output, local;
  OwnBits characters;  ///< bit n: c_cc[n]
  uint8_t cc[20] = {};
  uint16_t rows = 0, columns = 0;
};

/// Which mode a copy of the terminal's mode is.
enum class ModeCopyOf : uint32_t {
  start,  ///< as the app found it, to put it back at its end: in a launch, the caller's
  now,    ///< as it is at the checkpoint: in a launch, the caller's with what the app has changed
};

constexpr uint64_t kModeSize = 36;      ///< struct termios of the kernel, on all CPUs
constexpr uint64_t kModeCopySize = 60;  ///< of glibc: the same, more characters, two speeds

/// A struct termios of the kernel in the root's memory, or what a libc's begins with.
struct ModeCopy {
  uint64_t address = 0;
  ModeCopyOf of = ModeCopyOf::start;
  uint32_t speeds = 0;  ///< 1: it is glibc's, with the speed in two words of its own
};

enum class ProcessState : uint32_t {
  runs,
  stopped,  ///< by a signal (SIGSTOP and the like), until SIGCONT
  zombie,   ///< has ended, and its parent has not waited for it: it has nothing but `exit_status`
};

/// What wait(2) tells of a child that SIGCONT has continued.
constexpr uint32_t kContinued = 0xffff;

/// One process of the tree, parents before children. `parent` is kNone for the root alone, which the
/// caller of thaw-exec becomes.
struct Process {
  Index parent = kNone;
  /// The process whose id its session or group has: itself, or another member. kNone: the caller's,
  /// as the root's always are.
  Index session = kNone, process_group = kNone;
  Index controlling = kNone;  ///< of who leads a session: the pty that is its controlling terminal
  /// The process whose group is in the foreground of that terminal; of the root: of its caller's,
  /// kNone: its own, or none of the app.
  Index foreground = kNone;
  ProcessState state = ProcessState::runs;
  /// What wait(2) has to tell its parent: of a zombie its end, never with a core dump; of the others
  /// that it is stopped or continued, 0: nothing.
  uint32_t exit_status = 0;
  uint32_t exit_signal = 0;  ///< what its parent gets at its end (clone(2)), 0: nothing
  uint32_t flags = 0;
  uint32_t pid = 0;  ///< at checkpoint; only --keep-pid uses it
  uint32_t personality = 0;
  uint32_t mce_kill = 0;  ///< PR_MCE_KILL_GET
  uint32_t coredump_filter = 0;
  uint32_t membarrier = 0;     ///< MEMBARRIER_CMD_REGISTER_* that it has called (membarrier(2))
  uint32_t own_limits = 0;     ///< bit n: the app has set the limit RLIMIT_* n
  Index program_file = kNone;  ///< File that /proc/PID/exe named, of a member other than the root
  /// The first is the thread group leader. The ranges of all processes follow each other. Of a zombie,
  /// one record that has nothing but its id and name.
  Range threads;
  Range mappings;
  Range fds;
  Range sigactions;
  Range timers;
  Range pending;  ///< process-wide pending signals
  Range ops;      ///< memory operations of the restorer, in order
  Range gaps;     ///< address ranges free in the app and before its ops: room for the restorer
  MemoryLayout layout;
  Blob auxv;
  Blob cwd;
  IntervalTimer itimers[3];  ///< ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF
  uint64_t area_start = 0;   ///< thaw area, kept in the app: shim, signal frames, wake-up stub
  uint64_t area_size = 0;
  uint64_t park_code = 0;    ///< address of the stub where threads wait for the launch to commit
  uint64_t finish_code = 0;  ///< address of the stub that ends a launch: see restorer.cc
  uint64_t leave_code = 0;   ///< address of the stub that ends the feeder's thread
  uint64_t park_word = 0;    ///< futex word of the stub, in the thaw area
  uint64_t vdso_start = 0;   ///< where the app expects the vDSO; 0: none
  uint64_t vdso_size = 0;
  uint64_t vvar_start = 0;  ///< lowest vvar mapping, or [sigpage]
  uint64_t vvar_size = 0;
  Range id_patches;  ///< ascending
  Range id_notices;
  Limit limits[16];  ///< those of `own_limits`
  uint32_t umask = 0;
  int32_t oom_score_adj = 0;  ///< -1000 to 1000
  Terminal terminal;
  uint32_t nonblocking = 0;      ///< bit n: the app has set O_NONBLOCK on descriptor n of 0, 1, 2
  uint16_t protection_keys = 0;  ///< bit n: the app has allocated key n (pkeys(7))
  uint16_t kernels_keys = 0;     ///< the one that the kernel gives memory that can be executed only
  Range seccomp_filters;         ///< the same in all threads
  Range attachments;
  Index credentials = kNone;  ///< of a member that has others than the root; kNone: the caller's
  uint32_t reserved = 0;
  uint64_t segment_ids = 0;  ///< address of the shim's SegmentId[], one for each segment with a key
                             ///< in the order of `attachments`; 0: the app's ids must be the same
  Range mode_copies;         ///< of the root alone; ascending
};

enum CredentialFlag : uint32_t {
  kOwnGroups = 1u << 0,  ///< `supplementary` are its own, not the caller's
  // A set of capabilities that is not the root's is given as it was, or the launch starts cold; of one that is the
  // root's, what the caller has not is left out.
  kOwnPermitted = 1u << 1,
  kOwnEffective = 1u << 2,
  kOwnInheritable = 1u << 3,
  kOwnSecurebits = 1u << 4,  ///< `securebits` are not what the root has
};
constexpr uint32_t kCredentialFlags = (kOwnSecurebits << 1) - 1;

/// What a process may do that has given up rights of the root (credentials(7), capabilities(7)): of what the caller
/// has, a launch leaves it this and nothing else.
struct Credentials {
  uint32_t users[4] = {};   ///< real, effective, saved, of the file system
  uint32_t groups[4] = {};  ///< the same
  Blob supplementary;       ///< uint32_t[]
  uint64_t permitted = 0, effective = 0, inheritable = 0, ambient = 0;
  uint64_t bounding = 0;  ///< the caller's, without what is not in here
  uint32_t own = 0;       ///< CredentialFlag
  uint32_t securebits = 0;
  Blob root;  ///< path of its root directory (chroot(2)), empty: the caller's
};

enum ThreadFlag : uint32_t {
  kTidWord = 1u << 0,        ///< the word at tid_word held the thread's id and gets the new one
  kOwnIoPriority = 1u << 1,  ///< the app has set `io_priority`: not the caller's
};

/// One thread. Registers and signal mask live in the signal frame at `frame`, which rt_sigreturn
/// loads.
struct Thread {
  uint32_t tid = 0;  ///< at checkpoint
  uint32_t flags = 0;
  char comm[16] = {};
  uint64_t frame = 0;    ///< address of the signal frame in the thaw area
  uint64_t tls[2] = {};  ///< arch: fs_base, gs_base | tpidr_el0, tpidr2_el0 | tpidruro
  uint64_t clear_child_tid = 0;
  uint64_t tid_word = 0;      ///< address of the word where libc keeps the thread's id
  uint64_t rseq_address = 0;  ///< 0: not registered
  uint32_t rseq_size = 0;
  uint32_t rseq_signature = 0;
  uint64_t robust_list = 0;  ///< struct robust_list_head
  uint64_t robust_list_size = 0;
  Range robust_words;   ///< RobustWord records: locks held, whose tid is rewritten
  uint32_t policy = 0;  ///< SCHED_*
  int32_t nice = 0;     ///< difference to what the app was given, or to the leader
  uint32_t priority = 0;
  uint32_t sched_flags = 0;
  uint32_t parent_death_signal = 0;
  uint32_t io_priority = 0;
  uint64_t timer_slack_ns = 0;
  Blob affinity;               ///< CPU mask, empty where it is the caller's
  Range pending;               ///< signals pending for this thread
  uint64_t pac_keys[10] = {};  ///< AArch64 pointer authentication: APIA, APIB, APDA, APDB, APGA
  uint64_t pac_enabled = 0;
  uint64_t tagged_address = 0;  ///< AArch64: PR_SET_TAGGED_ADDR_CTRL
};

/// A futex word that a robust list says the thread holds.
struct RobustWord {
  uint64_t address = 0;
};

/// How the id of a thread (of the process: its first thread's) stands in memory.
enum class IdForm : uint32_t {
  word = 1,  ///< 32 bits
  futex,     ///< in FUTEX_TID_MASK of 32 bits, beside the flags of futex(2)
  fixnum,    ///< 2n + 1 in a machine word: small integers of Ruby and OCaml
  smi,       ///< 2n in 32 bits: small integers of V8 where they have 31 bits
  real,      ///< IEEE 754, 64 bits
  clock,     ///< of its CPU time: the complement above three bits of 32 (pthread_getcpuclockid(3))
  tagged,    ///< 16n + 15 in a machine word: small integers of Erlang
  // In notices alone:
  text,              ///< decimal digits
  pid_file,          ///< the content of a file
  written_pid_file,  ///< the same; a launch writes it
};

/// A place in the memory of a process where a launch puts the new id of a thread, of any process of
/// the tree, before any thread runs. Memory that several share is corrected by one of them.
struct IdPatch {
  uint64_t address = 0;
  Index thread = 0;  ///< in the image's table of threads
  IdForm form = IdForm::word;
  uint32_t prot = 0;     ///< PROT_* that its memory has afterwards, where `protect`
  uint32_t protect = 0;  ///< 1: its memory must be made writable for it, or holds code
};

/// Where an id may stand that a launch leaves as it is, for people.
struct IdNotice {
  uint64_t address = 0;  ///< of the first, 0: not in memory
  IdForm form = IdForm::word;
  uint32_t count = 0;
  Blob text;  ///< what stands around it, a path, or why it cannot be told
  // Of a file that is written:
  Blob rest;          ///< what follows the pid
  uint32_t mode = 0;  ///< permission bits of one that is made anew
  uint32_t reserved = 0;
};

/// A filter of system calls that the app has set itself (seccomp(2)), the oldest first.
struct SeccompFilter {
  Blob program;        ///< struct sock_filter[]
  uint32_t flags = 0;  ///< SECCOMP_FILTER_FLAG_LOG or 0
  uint32_t reserved = 0;
};

/// struct sigaction as the kernel takes it.
struct SigAction {
  uint32_t signal = 0;
  uint32_t flags = 0;
  uint64_t handler = 0;
  uint64_t restorer = 0;
  uint64_t mask = 0;
};

/// A signal to be queued again with rt_sigqueueinfo: the kernel's siginfo_t.
struct PendingSignal {
  uint8_t siginfo[128] = {};
  Index sender = kNone;  ///< process of the app that si_pid names, whose new pid stands there then
  uint32_t reserved = 0;
};

/// A POSIX timer. Times in nanoseconds; `value_ns` is what remained at checkpoint.
struct PosixTimer {
  int32_t id = 0;
  uint32_t clock = 0;
  uint32_t notify = 0;  ///< SIGEV_*
  uint32_t signal = 0;
  uint64_t value = 0;    ///< sigev_value
  Index thread = kNone;  ///< for SIGEV_THREAD_ID
  uint32_t overrun = 0;
  uint64_t interval_ns = 0;
  uint64_t value_ns = 0;
  Index clock_thread = kNone;  ///< whose CPU time `clock` is
  uint32_t reserved = 0;
  uint64_t expiry_ns = 0;  ///< of a clock of the wall's time: when it expires, 0: after `value_ns`
};

enum FileFlag : uint32_t {
  kFileMapped = 1u << 0,  ///< the app maps it: identity must match
  kFileKeptOpen = 1u << 1,
  kFileProgram = 1u << 2,
};

/// A file of the device that the warm state depends on, and how it is known again.
struct File {
  Blob path;
  Blob build_id;  ///< GNU build-id note, empty without one
  uint64_t dev = 0;
  uint64_t ino = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;
  uint32_t flags = 0;
};

enum class InputKind : uint32_t {
  file = 1,   ///< a regular file: its content
  directory,  ///< the names in it
  modules,    ///< the names in it that CPython's import can take for modules
  link,       ///< a symbolic link itself: its target
  exists,     ///< anything else, or a folder that was not listed: that it is there, and of its type
  missing,    ///< it is not there
};

enum InputFlag : uint32_t {
  kInputWritten = 1u << 0,  ///< the app writes it, too
  kInputOpened = 1u << 1,   ///< one of `files` as well: a launch opens it and looks at its build-id
  kInputOnRoot = 1u << 3,   ///< Requirements::root stands for it
  kInputNoChangeTime = 1u << 2,  ///< its file system has none: another one may look the same
  kInputSharesFolder = 1u << 4,  ///< its folder is that of the one before it or after it
  kInputReadAlways = 1u << 5,    ///< a launch reads it, whatever it looks like; the last flag
};

/// Something at a path that the warm state was computed from, and its fingerprint
/// (docs/inputs.md).
struct Input {
  Blob path;
  uint64_t ino = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint64_t content = 0;  ///< hash of content, names or target; 0: it could not be read
  uint32_t mode = 0;
  InputKind kind = InputKind::missing;
  uint32_t flags = 0;
  uint32_t reserved = 0;
};

enum class ObjectKind : uint32_t { pipe = 1, socket_pair, shared_memory, pty, system_v, sem, msg };

/// Object::flags of a System V message queue, beside its permission bits: messages waited in it.
constexpr uint32_t kHeldMessages = 1u << 16;
/// System V semaphores and message queues in an image.
constexpr uint32_t kMostIpcObjects = 16;

/// Something that several descriptors, mappings or processes share.
struct Object {
  ObjectKind kind = ObjectKind::pipe;
  /// Kind-specific: PipeFlag, memory flags of fd/shared_memory.h, mode of a System V segment
  /// (SHM_DEST: it was removed), permission bits of System V semaphores and queues.
  uint32_t flags = 0;
  uint64_t id = 0;    ///< inode at checkpoint; id of a System V segment, set or queue
  uint64_t size = 0;  ///< bytes of shared memory; capacity of a pipe; semaphores of a set
  Blob name;          ///< memfd name, path of the deleted file, key of System V IPC
  Blob content;       ///< bytes queued in a pipe; a pty's record; values of semaphores (uint16_t)
  Range runs;         ///< content of shared memory
  // Of shared memory that descriptors lead to, and of System V semaphores and queues (of these
  // atime_ns is 0 where nobody had used them):
  int64_t atime_ns = 0, mtime_ns = 0;
  uint32_t uid = 0, gid = 0;
};

/// `size` bytes at `data` (offset in the image file) belong at `offset` of the object.
struct DataRun {
  uint64_t offset = 0;
  uint64_t data = 0;
  uint64_t size = 0;
};

/// An open file description. `kind` is an id of fd/kinds.h.
struct OpenFile {
  uint32_t kind = 0;
  uint32_t flags = 0;  ///< O_* as fcntl(F_GETFL) gave them
  uint64_t position = 0;
  Index file = kNone;
  Index object = kNone;
  uint32_t side = 0;            ///< which end of `object`: 0 or 1
  uint32_t action = 0;          ///< policy::Action that was chosen
  int32_t owner_type = -1;      ///< F_SETOWN_EX type, -1: none
  Index owner_process = kNone;  ///< process that gets the signals, or leads the group that does
  Index owner_thread = kNone;   ///< thread of it that gets them, kNone: the process
  uint32_t owner_signal = 0;    ///< F_SETSIG
  uint32_t fd_count = 0;        ///< descriptors and messages in queues that refer to it
  Index first_fd = kNone;       ///< one of them; kNone: only messages do
  Index process = 0;            ///< which finishes it, once its descriptors are placed; has it open
  uint32_t uid = kNone;         ///< whose a socket or pipe is that a member with its own user has
  uint32_t gid = kNone;         ///< made, kNone: the caller's
  Blob payload;                 ///< the kind's own record
  Blob content;                 ///< queued bytes
  Blob note;                    ///< one line for `thaw show`
};

/// One descriptor number of one process.
struct Fd {
  uint32_t number = 0;
  Index open_file = kNone;  ///< kNone: a copy of the caller's descriptor `inherit`
  uint32_t close_on_exec = 0;
  int32_t inherit = -1;  ///< 0, 1, 2 or a number the profile inherits
};

/// Memory that the app has attached: its place is kept free for it (shmat(2)).
struct Attachment {
  uint64_t address = 0;
  uint64_t size = 0;     ///< whole pages
  Index object = kNone;  ///< a System V segment
  uint32_t flags = 0;    ///< SHM_RDONLY
};
constexpr uint32_t kMostAttachments = 16;  ///< of one process
constexpr uint32_t kMostSegmentIds = 16;   ///< segments with a key, of an app

enum class MappingKind : uint32_t {
  anonymous = 1,
  file,
  shared_memory,
  stack,
  vdso,
  vvar,
  special
};

/// One VMA of the app at checkpoint, for people and checks; the restorer works from ops alone.
struct Mapping {
  uint64_t start = 0, end = 0;
  uint64_t offset = 0;
  uint32_t prot = 0;  ///< PROT_*
  MappingKind kind = MappingKind::anonymous;
  uint32_t shared = 0;
  Index file = kNone;
  Index object = kNone;
  uint32_t stored_pages = 0;
  Blob name;      ///< as in /proc/PID/maps
  Blob vm_flags;  ///< VmFlags of smaps
  Blob note;      ///< how it comes back, and why
};

/// What a map op maps besides the image (source 0): a file or the memory of an object.
struct MapSource {
  Index file = kNone;
  Index object = kNone;
  uint32_t open_flags = 0;
  uint32_t reserved = 0;
};

enum class OpKind : uint32_t {
  map = 1,   ///< mmap(address, size, prot, flags|MAP_FIXED, source, offset)
  read,      ///< pread(image) into the mapping: size bytes at offset
  protect,   ///< mprotect(prot); with the protection key `flags`, if that is not 0
  advise,    ///< madvise(flags)
  lock,      ///< mlock2(flags)
  name,      ///< PR_SET_VMA_ANON_NAME; the name is Blob{offset, prot}
  seal,      ///< mseal
  aio_ring,  ///< io_setup(offset), which makes a ring of `flags` events; moved to its address
};

/// One step that rebuilds the address space. Every number is final.
struct Op {
  OpKind kind = OpKind::map;
  uint32_t prot = 0;
  uint64_t address = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
  uint32_t flags = 0;           ///< MAP_* | MADV_* | MLOCK_*
  uint16_t source = kNoSource;  ///< index in MapSource + 1; 0 = image; kNoSource = anonymous
  uint16_t optional = 0;        ///< 1: failure does not stop the launch (advice)
  static constexpr uint16_t kNoSource = 0xffff;
};

/// A part of the working set of the root: `size` bytes of consecutive pages that a launch touches.
/// Advice, never needed: what is not fed comes in on demand.
struct FeedRun {
  uint64_t address = 0;
  uint64_t size = 0;
  uint64_t offset = 0;   ///< of the first page in the image, 0: it comes from elsewhere
  uint32_t written = 0;  ///< 1: the launch writes to them
  uint32_t reserved = 0;
};

/// Checksum of a block of page data, for `thaw verify`: a launch does not read them. Blocks of zeros
/// have none.
struct DataBlock {
  uint64_t offset = 0;  ///< in the image, a multiple of kSize
  uint64_t hash = 0;    ///< see DataBlocks in image/data_blocks.h
  static constexpr uint64_t kSize = uint64_t{1} << 20;
};

/// Free address range.
struct Gap {
  uint64_t start = 0, end = 0;
};

static_assert(sizeof(Op) == 40);
static_assert(std::is_trivially_copyable_v<Process> && std::is_trivially_copyable_v<Thread>);

}  // namespace thaw::model
