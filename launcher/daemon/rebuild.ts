// One rebuild, by another process: the build's memory, its priority and its end are not the daemon's.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';

import { projectFolder } from '../engine/index.js';
import { messageOf } from '../errors.js';
import type { Stores } from '../store/stores.js';

export interface Outcome {
  readonly ok: boolean;
  /** What it said at its end. */
  readonly said: string;
}

export type Rebuild = (name: string, interrupt: AbortSignal) => Promise<Outcome>;

const MOST_SAID = 4096;

/** `thaw rebuild`, as a child. `mostMemory` in MB. */
export function byChild(stores: Stores, mostMemory: number | undefined, nice: number): Rebuild {
  const cli = join(projectFolder, 'dist/launcher/cli.js');
  const limit = mostMemory === undefined ? [] : ['--most-memory', String(mostMemory)];
  return (name, interrupt) => {
    const child = spawn(process.execPath, [cli, 'rebuild', '--store', stores.list, ...limit, name], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    lower(child, nice);
    return ended(child, interrupt);
  };
}

/**
 * The same in a unit of its own, which is not hardened as the daemon's is: what an app cannot do, see or reach while it warms
 * up is not in its image.
 */
export const byUnit: Rebuild = (name, interrupt) =>
  ended(
    spawn('systemctl', ['start', `thaw-rebuild@${name}.service`], { stdio: ['ignore', 'ignore', 'pipe'] }),
    interrupt,
  );

/** Not its scheduling policy, which is an app's own and would be that of each launch. */
function lower({ pid }: ChildProcess, nice: number): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.max(nice, constants.priority.PRIORITY_NORMAL));
  } catch {
    // It has ended.
  }
}

async function ended(child: ChildProcess, interrupt: AbortSignal): Promise<Outcome> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    said = (said + part).slice(-MOST_SAID);
  });
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  interrupt.addEventListener('abort', stop, { once: true });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const how = signal === null ? '' : `ended by ${signal}`;
    return { ok: code === 0, said: [said.trim(), how].filter((text) => text !== '').join('\n') };
  } catch (error) {
    return { ok: false, said: messageOf(error) };
  } finally {
    interrupt.removeEventListener('abort', stop);
  }
}
