// What a checkpoint refuses, row by row: the state, and what the message must say.

/** State that a checkpoint refuses, set up by a test app whose argument is `what`. */
export interface Refusal {
  readonly app: string;
  readonly what: string;
  /** What the message must say: the thing, its name, the remedy. */
  readonly says: readonly RegExp[];
  /** What would be wrong advice. */
  readonly never?: RegExp;
  /** Told only to the process itself, so that doctor, which does not stop it, cannot know. */
  readonly asked?: true;
  readonly only?: 'root';
  /** Only an ordinary user is refused. */
  readonly ofUser?: true;
}

const after = /after the checkpoint/;
const descriptor = /descriptor 77\b/;
/** It can be pasted into a profile. */
const policy =
  /\n +\[\[policies\]\]\n +type = "[a-z]+"\n( +path = ".*"\n)? +action = "[a-z]+"( +# or "[a-z]+"(, "[a-z]+")*)?\n/;

const held: readonly Omit<Refusal, 'app'>[] = [
  { what: 'seccomp', says: [/seccomp filter/, /rt_sigreturn/, /call = true/], asked: true, only: 'root' },
  { what: 'strict-mode', says: [/strict mode/] },
  { what: 'filter-that-asks', says: [/SECCOMP_RET_USER_NOTIF/, /call = true/], asked: true, only: 'root' },
  { what: 'other-filter', says: [/thread \(\d+\).*other seccomp filters/], asked: true, only: 'root' },
  { what: 'last-filter', says: [/seccomp\(2\)/, /call = true/], asked: true, only: 'root' },
  { what: 'io_uring', says: [descriptor, /io_uring/, /UV_USE_IO_URING|switch|without io_uring|turn/i] },
  { what: 'tcp', says: [descriptor, /connected/, /127\.0\.0\.1/] },
  { what: 'udp', says: [descriptor, /127\.0\.0\.1:9\b/, policy] },
  { what: 'bpf-filter', says: [descriptor, /eBPF/, /SO_ATTACH_FILTER/] },
  { what: 'packet-ring', says: [descriptor, /PACKET_RX_RING/, after] },
  { what: 'packet-fanout', says: [descriptor, /PACKET_FANOUT/, after] },
  { what: 'corked', says: [descriptor, /UDP_CORK/, /settle/] },
  { what: 'directory-notice', says: [descriptor, /F_NOTIFY/, /inotify/] },
  { what: 'message-queue', says: [descriptor, /POSIX message queue/, /mq_open/, policy] },
  { what: 'told-queue', says: [descriptor, /mq_notify/, after, policy], never: /reopen/ },
  { what: 'relative-socket', says: [descriptor, /relative\.sock/, /absolute path/] },
  { what: 'netlink-peer', says: [descriptor, /netlink socket connected to another process's/] },
  { what: 'writable', says: [descriptor, /state\.db/, policy, /side by side/], never: /append/ },
  { what: 'log', says: [descriptor, /plain\.log/, policy, /action = "append"/], never: /\bpid\b/ },
  { what: 'shared-file', says: [/shared\.db/] },
  { what: 'mono-area', says: [/mono\.thaw-test\.\d+/, /MONO_DISABLE_SHARED_AREA=1/], never: /policies/ },
  { what: 'shared-may-write', says: [/shared\.bin/, /opened for writing/, policy, /"mapping"/] },
  { what: 'confined-thread', says: [/thread \(\d+\)/, /NoNewPrivs/, /confine its threads/] },
  { what: 'filtered-thread', says: [/thread \(\d+\)/, /confine its threads/] },
  { what: 'io-worker', says: [/iou-sqp/, /io_uring/, /UV_USE_IO_URING/] },
  { what: 'sysv', says: [/System V shared memory \(key 0x00000000, id \d+\) that has no key/, /IPC_RMID/] },
  { what: 'sysv-key', says: [/System V shared memory \(key 0x5468/, /outlives the app/, policy, /"shm"/] },
  { what: 'sem-key', says: [/System V semaphores \(key 0x5476/, after, policy, /"sem"/] },
  { what: 'msg-key', says: [/System V message queue \(key 0x5477/, after, policy, /"msg"/] },
  { what: 'sysv-part', says: [/System V shared memory .*a part/, /attach all of it/] },
  { what: 'sysv-unattached', says: [/has used System V shared memory \(key 0x0+, id \d+\)/, after] },
  {
    what: 'sysv-outside',
    says: [/System V shared memory .* 1 mappings? .*outside of the app/, /detach/, /QT_X11_NO_MITSHM=1/],
  },
  { what: 'aio-busy', says: [/kernel AIO .*0x[0-9a-f]+ has requests under way/, /settle/], asked: true },
  { what: 'aio-unread', says: [/kernel AIO .*results that the app has not read/, /settle/], asked: true },
  { what: 'huge-memory', says: [descriptor, /memfd:huge/, /huge pages/, policy] },
  { what: 'fanotify-decides', says: [descriptor, /decides over the accesses of others/, policy] },
  { what: 'fanotify', says: [descriptor, /events that the app has not read/, /settle/, policy] },
  { what: 'large-deleted', says: [descriptor, /deleted file/, /more than 1 GB/, policy] },
  { what: 'renamed', says: [descriptor, /lives on under another/, policy] },
  { what: 'gone-folder', says: [descriptor, /\/folder/, /directory that was removed/, policy] },
  { what: 'gone-cwd', says: [/working directory .*\/folder/, /elsewhere/], asked: true },
  {
    what: 'rights',
    says: [/queue of descriptor 77 \(.*SCM_RIGHTS; .*flying\.db\) is open for writing/, policy],
  },
  { what: 'sender', says: [descriptor, /whose sender, process \d+ as user \d+.*SO_PASSCRED/, /settle/] },
  { what: 'backlog', says: [descriptor, /\/listener/, /has not accepted/, policy] },
  { what: 'tcp-backlog', says: [descriptor, /127\.0\.0\.1:/, /has not accepted/, policy] },
  { what: 'datagrams', says: [descriptor, /127\.0\.0\.1:/, /datagrams that the app has not read/, policy] },
  { what: 'unix-datagrams', says: [descriptor, /\/receiver/, /datagrams that the app has not read/, policy] },
  { what: 'outside-pipe', says: [descriptor, /pipe/] },
  { what: 'terminal', says: [descriptor, /whose slave the app does not hold open/, /ptsname/, policy] },
  { what: 'pty-exclusive', says: [descriptor, /for one process/, policy] },
  { what: 'pty-output', says: [descriptor, /6 bytes of output, 0 of input/, /settle/, policy] },
  { what: 'pty-line', says: [descriptor, /0 bytes of output, 4 of input/, /settle/, policy] },
  { what: 'device', says: [descriptor, /\/dev\//] },
  { what: 'userfaultfd', says: [descriptor, /userfaultfd/] },
  { what: 'pidfd', says: [descriptor, /pidfd of process \d+, which is no part of the app/, policy] },
  { what: 'thread-pidfd', says: [descriptor, /PIDFD_THREAD/, policy] },
  { what: 'lock', says: [descriptor, /lock/, policy, /"relock"/, /give its protection up/] },
  { what: 'lease', says: [descriptor, /lock \(LEASE/, policy, /"relock"/] },
  { what: 'mapped-lock', says: [descriptor, /lock \(POSIX/, policy], never: /relock/ },
  {
    what: 'pid-file',
    says: [descriptor, /app\.pid/, /holds the app's pid/, /action = "pid"/],
    never: /append|reopen/,
  },
  { what: 'sealed', says: [descriptor, /memfd:sealed/, /F_SEAL_FUTURE_WRITE/, policy] },
  { what: 'guarded-shared', says: [/mapping .*guard regions/, /mprotect\(PROT_NONE\)/], asked: true },
  { what: 'hidden', says: [/memfd:hidden/, /a part of shared memory/, /keep a descriptor/], asked: true },
  {
    what: 'deleted-private',
    says: [/\/deleted\)/, /private mapping of a deleted file/, /build as root/],
    asked: true,
    ofUser: true,
  },
  { what: 'foreign', says: [descriptor, /deleted file/, /user 0, group 0/, /close/] },
  { what: 'attributes', says: [descriptor, /deleted file/, /extended attributes/, policy] },
  { what: 'compositor', says: [descriptor, /Wayland/, /call = true/], never: /reconnect/ },
  {
    what: 'several',
    says: [
      /4 things cannot be taken/,
      /- .*cannot be told from others/,
      /- descriptor 77 .*state\.db/,
      /- mapping .*shared\.db/,
    ],
  },
];

/** What a process or a thread has of its own. */
const processes: readonly Omit<Refusal, 'app'>[] = [
  { what: 'permitted', says: [/capabilities/, /CapabilityBoundingSet/] },
  { what: 'effective', says: [/capabilities/, /CapabilityBoundingSet/] },
  { what: 'bounding', says: [/other rights than thaw.*CapBnd/, /let `thaw build` start the app/] },
  { what: 'groups', says: [/other rights than thaw.*Groups: 1 2 3/, /let `thaw build` start the app/] },
  { what: 'namespace', says: [/another namespace .*uts/, /nsenter --all --target \d+/] },
  { what: 'securebits', says: [/PR_SET_SECUREBITS/, after], asked: true },
  { what: 'landlock', says: [/Landlock/, after], asked: true },
  { what: 'dispatch', says: [/Syscall User Dispatch/, after], asked: true },
  { what: 'deadline', says: [/thread \(\d+\).*SCHED_DEADLINE/, after] },
  { what: 'clamp', says: [/thread \(\d+\).*utilization is clamped/, after] },
  { what: 'mempolicy', says: [/set_mempolicy/, after], asked: true },
  { what: 'bound-memory', says: [/mbind/, after, /UseNUMA/] },
  { what: 'thread-keyring', says: [/keyring of a thread/, after], asked: true },
  { what: 'process-keyring', says: [/keyring of the process/, after], asked: true },
  { what: 'speculation', says: [/speculation control/, after] },
  { what: 'l1d-flush', says: [/PR_SPEC_L1D_FLUSH/, after], asked: true },
  { what: 'io-flusher', says: [/PR_SET_IO_FLUSHER/, after], asked: true, only: 'root' },
  { what: 'tsc', says: [/PR_SET_TSC/, after], asked: true },
  { what: 'cpuid', says: [/ARCH_SET_CPUID/, after], asked: true },
  { what: 'ldt', says: [/modify_ldt/, after], asked: true },
  { what: 'semaphores', says: [/System V semaphores \(key 0x0+, id \d+\)/, after] },
  { what: 'sysv-queue', says: [/System V message queue \(key 0x0+, id \d+\)/, after] },
  { what: 'undo', says: [/SEM_UNDO/, after] },
  { what: 'thread-fs', says: [/thread \(\d+\).*CLONE_FS/, after] },
  { what: 'thread-files', says: [/thread \(\d+\).*CLONE_FILES/, after] },
  { what: 'thread-namespace', says: [/thread \(\d+\).*namespace of its own/, after] },
  { what: 'thread-user', says: [/thread \(\d+\).*Uid: 65534/, after] },
  { what: 'thread-capabilities', says: [/thread \(\d+\).*Cap\w+: /, after] },
  { what: 'thread-landlock', says: [/thread \(\d+\).*Landlock/, after], asked: true },
  { what: 'mixed', says: [/mixed credentials \(Uid: 65534\s+0/, /`user` in the profile/] },
];

export const refusals: readonly Refusal[] = [
  ...held.map((refusal) => ({ app: 'refused', ...refusal })),
  ...processes.map((refusal) => ({ app: 'refused_process', ...refusal })),
];
