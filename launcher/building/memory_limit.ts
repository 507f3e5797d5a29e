// A build whose app may take so much memory and no more. No control group's limit: apps ask for that, and what they are told
// is an input of their image, which launches elsewhere would not meet (docs/inputs.md).
import { ThawError } from '../errors.js';
import { memoryIn } from '../instances/memory.js';
import { processes, procText } from '../instances/processes.js';
import { size } from '../units.js';

const LOOK_MS = 500;

export interface MemoryLimit {
  /** Aborted when all that this process has started takes more. */
  readonly signal: AbortSignal;
  end(): void;
}

/** `most` in bytes; undefined: no limit. */
export function limitMemory(most: number | undefined): MemoryLimit {
  const controller = new AbortController();
  const look = (): void => {
    const taken = memoryOfDescendants();
    if (most === undefined || taken <= most) return;
    controller.abort(
      new ThawError(`the build takes ${size(taken)} of memory, more than ${size(most)}`, {
        remedy: 'a higher --most-memory',
      }),
    );
  };
  const timer = most === undefined ? undefined : setInterval(look, LOOK_MS).unref();
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(timer);
    },
  };
}

/** Proportional, so that what they share counts once. */
function memoryOfDescendants(): number {
  const parents = new Map(processes().map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === process.pid || (parent !== undefined && isOurs(parent));
  };
  return [...parents.keys()].filter(isOurs).reduce((sum, pid) => sum + proportional(pid), 0);
}

function proportional(pid: number): number {
  // Of one that has ended, there is nothing.
  return memoryIn(procText(`${pid}/smaps_rollup`) ?? '').proportional;
}
