// Apps of several processes: their pids are kept in memory, where only an unlikely number can be told (docs/trees.md).
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

import { procText } from '../../../launcher/instances/processes.js';

const limit = '/proc/sys/kernel/pid_max';
const last = '/proc/sys/kernel/ns_last_pid';

/**
 * As root, lets the kernel give out large pids, as systemd does, until the end of the run (scripts/test.sh): files that run
 * side by side need them. Under the lock of the builds that raise the limit for a moment and put it back.
 */
export function allowLargePids(): void {
  if (process.getuid?.() !== 0) return;
  const raise = '[ "$(cat "$0")" -ge 4194304 ] || echo 4194304 >"$0"';
  spawnSync('flock', [limit, 'sh', '-c', raise, limit], { stdio: 'ignore' });
  try {
    writeFileSync(last, String(2_100_000 + Math.floor(Math.random() * 1_900_000)));
  } catch {
    // Then pids are what they are.
  }
}

/** Those that the main thread of `pid` has made. */
export function childrenOf(pid: number): number[] {
  return idsIn(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
}

/** Those that any thread of `pid` has made, and those that they have made; threads and processes may end meanwhile. */
export function descendantsOf(pid: number): number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    idsIn(procText(`${pid}/task/${thread}/children`) ?? ''),
  );
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

const idsIn = (text: string): number[] => text.trim().split(' ').filter(Boolean).map(Number);

/** SIGKILL to those of them that are there: one may end with another, or by itself. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids)
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}

/** Command lines of processes that name `text`. */
export function processesOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = procText(`${pid}/cmdline`)?.replaceAll('\0', ' ');
      return command?.includes(text) === true ? [`${pid} ${command}`] : [];
    });
}
