// Of apps of several processes: what a checkpoint refuses, row by row.
import { join } from 'node:path';

import type { App, Policy } from './app.js';

/** State between processes that a checkpoint refuses, set up by tree_refused whose argument is `what`. */
export interface TreeRefusal {
  readonly what: string;
  readonly says: readonly RegExp[];
  /** The checkpoint finds it by asking the app itself, which `thaw doctor` leaves alone. */
  readonly asked?: boolean;
  readonly policies?: (app: App) => readonly Policy[];
}

const member = /process \d+ \(tree_refused\)/;

export const treeRefusals: readonly TreeRefusal[] = [
  {
    what: 'untold',
    says: [member, /cannot be told from others/, /build its profile as root/, /pids = "namespace"/],
  },
  { what: 'files', says: [member, /CLONE_FILES/, /fork\(2\)/] },
  { what: 'fs', says: [member, /CLONE_FS/, /fork\(2\)/] },
  { what: 'vfork', says: [member, /memory \(vfork/, /lengthen `settle`/] },
  { what: 'more-user', says: [member, /other rights .*: users 0 0 0 0, not 65534/, /`user` in the profile/] },
  { what: 'more-capabilities', says: [member, /other rights .*: capabilities 0+400, not 0+\b/, /`user` in/] },
  {
    what: 'late-filter',
    says: [member, /seccomp filter .* gave up its rights/, /NO_NEW_PRIVS/],
    asked: true,
  },
  {
    what: 'no-root',
    says: [member, /root directory .* \(deleted\), which no path leads to/, /keep the folder/],
  },
  {
    what: 'jail',
    policies: (app) => [{ type: 'file', path: join(app.scratch, 'own.pid'), action: 'pid' }],
    says: [member, /pid file .*own\.pid, which its own root directory does not show/, /before chroot\(2\)/],
    asked: true,
  },
  { what: 'cgroup', says: [member, /in another cgroup/, /after the checkpoint/] },
  {
    what: 'signaller',
    says: [/sends signals \(F_SETOWN\) with the rights of user 65534/, /set its owner/],
    asked: true,
  },
  { what: 'group', says: [member, /process group \d+, whose leader has ended/, /wait for it only when/] },
  { what: 'session', says: [member, /session \d+, whose leader has ended/, /setsid\(2\)/] },
  { what: 'terminal', says: [member, /controlling terminal/, /TIOCSCTTY/] },
  { what: 'death-signal', says: [member, /PR_SET_PDEATHSIG/, /main thread/], asked: true },
  { what: 'traced', says: [member, /traces it already/], asked: true },
  { what: 'queued', says: [member, /data that nobody has read.* pid \d+/, /lengthen `settle`/], asked: true },
  { what: 'thread-proc', says: [member, /whose number will be another one/, /close it/] },
  { what: 'proc-path', says: [/whose number will be another one/, /close it/] },
  { what: 'netlink', says: [member, /netlink socket .*pid of another process/, /first process/] },
  { what: 'aio', says: [member, /kernel AIO .*forked from/, /fork\(2\) before io_setup/], asked: true },
  { what: 'sent-pidfd', says: [/SCM_RIGHTS.* refers to a process of the app/, /lengthen `settle`/] },
  {
    what: 'sender',
    says: [/socket:.*whose sender, process \d+ as user \d+.*SO_PASSCRED/, /lengthen `settle`/],
  },
  { what: 'two-locks', says: [/\/locked\) is locked .*two processes that share it/, /flock\(2\)/] },
  {
    what: 'split-epoll',
    says: [/eventpoll.* none of the processes that have it has all open/, /EPOLL_CTL_DEL/],
    asked: true,
  },
];
