// The table of test apps: one row for each kind of state.

import { join } from 'node:path';

import type { AppOptions, CheckpointOptions, LaunchOptions } from './app.js';
import { apps } from './paths.js';

export interface Row extends AppOptions, CheckpointOptions {
  /** Program below build/<cpu>/apps. */
  readonly app: string;
  /** What the row tests, when the app's name does not say it; part of the test's title. */
  readonly about?: string;
  readonly only?: 'root' | 'user';
  /** Launches of one image, one after the other; default 3. */
  readonly launches?: number;
  /** Checkpoint a restored process, too, and launch that image without the first one; default true. */
  readonly again?: boolean;
  /** The app expects its pid in its memory, so that of the launch that is checkpointed must be one that can be told. */
  readonly keepsPid?: true;
  readonly launch?: LaunchOptions;
}

const appendLogs = [{ type: 'file', path: '*.log', action: 'append' }];

const mayWrite = [{ type: 'mapping', path: '*/shared.bin', action: 'reopen' }];

/** The first that matches is used. */
const everyAction = [
  { type: 'file', path: '*/closed.db', action: 'close' },
  { type: 'file', path: '*/ignored.db', action: 'ignore' },
  { type: 'file', path: '*/reopened.db', action: 'reopen' },
  { type: 'fifo', path: '*/closed.fifo', action: 'close' },
  { type: 'fifo', path: '*/ignored.fifo', action: 'ignore' },
  { type: 'socket', path: '127.0.0.1:9', action: 'close' },
  { type: 'socket', path: '127.0.0.1:10', action: 'ignore' },
  { type: 'socket', path: '127.0.0.1:11', action: 'reconnect' },
  { type: 'socket', path: '*127.0.0.1*:200[23][12]', action: 'reset' },
  // In the second image, too, whose peer is where the launch has put it.
  { type: 'socket', path: '127.0.0.1:*', action: 'close' },
  { path: '*pidfd*', action: 'close' },
  { type: 'device', path: '/dev/zero', action: 'ignore' },
  // These match more than they should, and what needs none comes back as it was.
  { type: 'file', path: '*', action: 'reopen' },
  { type: 'socket', action: 'reconnect' },
  { action: 'close' },
];

/** As hexadecimal text: a key of System V IPC to which apps add their user's id. Two test files run at a time. */
const ipcKey = (place: number): string =>
  (0x60000000 + ((process.pid & 0x7f) << 20) + (place << 16)).toString(16);

export const rows: readonly Row[] = [
  { app: 'threads' },
  { app: 'threads_static' },
  { app: 'threads_musl' },
  { app: 'raw' },
  { app: 'fpu' },
  { app: 'signals' },
  { app: 'signals_static', again: false },
  { app: 'signals_musl', again: false },
  { app: 'itimers' },
  { app: 'timers' },
  { app: 'timers_high' },
  // Each launch lasts as long as its timeouts.
  { app: 'restart', launches: 2 },
  { app: 'restart_static', launches: 1, again: false },
  { app: 'restart_musl', launches: 1, again: false },
  { app: 'rseq' },
  { app: 'clock' },
  ...[
    'plain',
    'recursive',
    'errorcheck',
    'inherit',
    'robust',
    'inherit-recursive-robust-shared',
    'rwlock',
    'stream',
  ].map((kind) => ({ app: 'locks', about: kind, args: [kind], launches: 2 })),
  ...['recursive', 'errorcheck', 'inherit-robust-shared', 'stream'].map((kind) => ({
    app: 'locks_musl',
    about: kind,
    args: [kind],
    launches: 2,
    again: false,
  })),
  { app: 'locks_pointer', launches: 2, again: false, only: 'root' },
  { app: 'locks_glib', launches: 2 },
  { app: 'locks_cpp', launches: 2 },
  { app: 'own_ids', keepsPid: true },
  { app: 'atfork' },
  { app: 'small_ids' },
  { app: 'locks_static', about: 'recursive', args: ['recursive'], launches: 2, again: false },
  { app: 'lock_owner', only: 'root', again: false, launch: { flags: ['--no-fallback', '--keep-pid'] } },

  { app: 'memory_private' },
  { app: 'memory_private_static' },
  { app: 'memory_private_musl' },
  { app: 'memory_shared' },
  { app: 'memory_file' },
  { app: 'memory_sysv' },
  {
    app: 'memory_sysv',
    about: 'with a key',
    args: ['54681234'],
    policies: [{ type: 'shm', action: 'reopen' }],
  },
  { app: 'ipc_sem', args: [ipcKey(1)], policies: [{ type: 'sem', action: 'reopen' }] },
  {
    app: 'ipc_sem',
    about: 'made anew',
    args: [ipcKey(2), 'remove'],
    only: 'root',
    policies: [{ type: 'sem', path: '0x6*', action: 'reopen' }],
  },
  { app: 'ipc_msg', args: [ipcKey(3)], policies: [{ type: 'msg', action: 'reopen' }] },
  {
    app: 'ipc_msg',
    about: 'made anew',
    args: [ipcKey(4), 'remove'],
    only: 'root',
    policies: [{ type: 'msg', action: 'reopen' }],
  },
  { app: 'memory_may_write', policies: mayWrite },
  { app: 'large_file' },
  { app: 'memory_reserve' },
  { app: 'memory_lock' },
  { app: 'memory_lock_future', about: 'at once' },
  { app: 'memory_lock_future', about: 'on fault', args: ['onfault'] },
  { app: 'memory_flags' },
  { app: 'memory_names' },
  { app: 'memory_guard' },
  { app: 'memory_keys' },
  { app: 'memory_guard', about: 'of files', args: ['files'] },
  { app: 'no_vdso' },
  { app: 'memory_droppable' },
  { app: 'memory_aio' },
  { app: 'memory_growsdown' },
  { app: 'memory_seal' },
  { app: 'memory_exec' },
  { app: 'memory_sparse' },
  { app: 'heap' },
  { app: 'heap_static' },
  { app: 'heap_musl' },
  { app: 'stack' },

  { app: 'process_names' },
  { app: 'process_prctl' },
  { app: 'process_mdwe', about: 'inherited' },
  { app: 'process_mdwe', about: 'not inherited', args: ['not'] },
  { app: 'process_caller' },
  { app: 'process_own' },
  { app: 'process_cwd' },
  { app: 'process_ids' },
  { app: 'process_children' },
  ...['', 'threads', 'privileged', 'sandbox'].map((kind) => ({
    app: 'seccomp',
    about: kind === '' ? 'one thread' : kind,
    args: [kind],
    only: 'root' as const,
    launches: 2,
  })),
  { app: 'membarrier', about: 'none', args: [''] },
  { app: 'membarrier', about: 'private', args: ['p'] },
  { app: 'membarrier', about: 'all', args: ['psrg'] },

  { app: 'fd_file' },
  { app: 'fd_append', policies: appendLogs },
  { app: 'fd_policy', policies: everyAction },
  { app: 'fd_lock', args: ['leases'], policies: [{ type: 'file', path: '*.lock', action: 'relock' }] },
  { app: 'fd_directory' },
  { app: 'fd_path' },
  { app: 'fd_device' },
  { app: 'fd_pty' },
  { app: 'fd_terminal', launch: { wrapper: [join(apps, 'on_terminal'), '40', '100'] } },
  {
    app: 'fd_terminal',
    about: 'background',
    args: ['background'],
    launch: { wrapper: [join(apps, 'on_terminal'), '40', '100'] },
  },
  {
    app: 'fd_second_terminal',
    policies: [{ type: 'device', path: '/dev/pts/*', action: 'reopen' }],
    again: false,
  },
  { app: 'fd_pipe' },
  { app: 'fd_pipe_static', again: false },
  { app: 'fd_pipe_musl', again: false },
  { app: 'fd_fifo' },
  { app: 'fd_eventfd' },
  { app: 'fd_epoll' },
  { app: 'fd_timerfd' },
  { app: 'fd_signalfd' },
  { app: 'fd_pidfd' },
  { app: 'fd_inotify' },
  { app: 'fd_fanotify' },
  { app: 'fd_inotify', about: 'crowd', args: ['crowd'], only: 'user', launches: 1, again: false },
  { app: 'fd_memfd' },
  { app: 'fd_deleted' },
  { app: 'fd_socketpair' },
  { app: 'fd_rights' },
  {
    app: 'fd_rights',
    about: 'the pid is kept',
    only: 'root',
    again: false,
    launch: { flags: ['--no-fallback', '--keep-pid'] },
  },
  { app: 'fd_tcp' },
  { app: 'fd_udp' },
  { app: 'fd_unix' },
  { app: 'fd_raw' },
  { app: 'fd_packet', only: 'root' },
  { app: 'fd_netlink' },
  { app: 'fd_owner' },
  { app: 'fd_numbers' },
];

/** Apps of several processes. Those of a launch have pids that the kernel chose: of these, no second image can be made. */
export const trees: readonly Row[] = [
  ...[
    'pipes',
    'rights',
    'memory',
    'copies',
    'groups',
    'zombies',
    'orphan',
    'events',
    'pidfds',
    'files',
    'threads',
    'signals',
    'deathsig',
    'exec',
    'credentials',
    'stopped',
    'terminal',
  ].map((state) => ({
    app: `tree_${state}`,
    again: false,
    // Who has no rights has none to give up.
    ...(state === 'credentials' ? { only: 'root' as const } : {}),
  })),
  { app: 'tree_sysv', args: ['54690000'], policies: [{ type: 'shm', action: 'reopen' }], again: false },
  {
    app: 'tree_sem',
    args: [ipcKey(5)],
    only: 'root',
    policies: [{ type: 'sem', action: 'reopen' }],
    again: false,
  },
  {
    app: 'tree_sem',
    about: 'kept',
    args: [ipcKey(6), 'keep'],
    policies: [{ type: 'sem', action: 'reopen' }],
    again: false,
  },
  { app: 'tree_stopped', about: 'SIGCHLD waits', args: ['pending'], again: false },
  { app: 'tree_job', again: false, launch: { wrapper: [join(apps, 'on_terminal'), '40', '100'] } },
];

/** A hazard of memory that is mapped from the image, and the guards that keep it away. */
export interface Hazard extends Row {
  /** Each of these switched off must make the app fail; empty: what keeps the hazard away has no switch. */
  readonly guards: readonly string[];
}

export const hazards: readonly Hazard[] = [
  { app: 'hazard_dontneed', guards: ['dontneed'] },
  { app: 'hazard_free', guards: ['free'] },
  { app: 'hazard_wipeonfork', guards: ['wipeonfork'] },
  { app: 'hazard_mremap', guards: ['mremap'] },
  { app: 'hazard_malloc', guards: ['mremap'] },
  { app: 'hazard_syscall', guards: ['syscall'] },
  { app: 'hazard_reuse', guards: ['munmap'] },
  { app: 'hazard_pieces', guards: ['dontneed'] },
  { app: 'hazard_storm', guards: ['dontneed', 'free', 'mremap'] },
  { app: 'hazard_coredump', guards: [] },
  { app: 'hazard_go', guards: ['dontneed', 'free', 'mremap', 'munmap', 'syscall'] },
  { app: 'hazard_malloc_static', guards: ['mremap'] },
  // Programs that make their system calls themselves.
  ...['static', 'musl_static'].flatMap((libc) => [
    { app: `hazard_dontneed_${libc}`, guards: ['dontneed'] },
    { app: `hazard_free_${libc}`, guards: ['free'] },
    { app: `hazard_wipeonfork_${libc}`, guards: ['wipeonfork'] },
    { app: `hazard_mremap_${libc}`, guards: ['mremap'] },
    { app: `hazard_syscall_${libc}`, guards: ['syscall'] },
    { app: `hazard_reuse_${libc}`, guards: ['munmap'] },
    { app: `hazard_pieces_${libc}`, guards: ['dontneed'] },
    { app: `hazard_storm_${libc}`, guards: ['dontneed', 'free', 'mremap', 'syscall'] },
  ]),
];

export function isAboutMemory({ app }: Row): boolean {
  return app.startsWith('memory_');
}
