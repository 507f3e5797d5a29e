import { execaSync } from 'execa';
import { cpus, release, totalmem } from 'node:os';

import { root } from './paths.js';

/** Where and of what a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Of thaw; with "+" if files had been changed since. */
  readonly commit: string;
  readonly user: 'root' | 'ordinary';
  /** ISO 8601. */
  readonly at: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? process.arch,
    cpus: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    commit: commit(),
    user: process.getuid?.() === 0 ? 'root' : 'ordinary',
    at: new Date().toISOString(),
  };
}

export function machineText({ cpu, cpus, kernel, commit, user, at }: Machine): string {
  return `${cpus} x ${cpu}, Linux ${kernel}, as ${user === 'root' ? 'root' : 'an ordinary user'}, thaw ${commit}, ${at.slice(0, 10)}`;
}

export function commit(): string {
  // A guest or a device has no git.
  const git = (...args: string[]): string => {
    const { failed, stdout } = execaSync('git', ['-C', root, ...args], { reject: false });
    return failed ? '' : stdout.trim();
  };
  const id = git('rev-parse', '--short', 'HEAD');
  return id === ''
    ? (process.env['THAW_COMMIT'] ?? 'unknown')
    : `${id}${git('status', '--porcelain', '-uno') === '' ? '' : '+'}`;
}
