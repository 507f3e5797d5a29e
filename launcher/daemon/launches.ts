// Which launches there were, by the processes that are there: a launch itself tells nobody, and does nothing for the daemon.
// What has come and gone between two looks is not seen.
import { closeSync, openSync, readSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import type { Definition } from '../definition/schema.js';
import { type Process, procText, processOf, processes } from '../instances/processes.js';
import { mappedImages } from '../store/usage.js';

/** What is looked for of a profile. */
export interface Known {
  readonly name: string;
  readonly definition: Definition;
  /** File names of all its images, the old ones too. */
  readonly images: readonly string[];
  /** When the image was made that launches use, in milliseconds since 1970. */
  readonly madeAt: number;
}

export interface Launch {
  readonly profile: string;
  readonly pid: number;
  readonly warm: boolean;
}

/** thaw-exec takes less until it has become the app. */
const LEAST_AGE_MS = 1000;

interface Seen {
  readonly started: number;
  readonly launch: Launch | undefined;
}

export class Launches {
  #seen = new Map<number, Seen>();
  /** Those that were there before are not counted: another daemon has done so. */
  readonly #since = Date.now();

  /** Those that are seen for the first time. */
  look(profiles: readonly Known[]): Launch[] {
    const before = this.#seen;
    this.#seen = new Map();
    const found: Launch[] = [];
    for (const process of processes()) {
      const { pid, started, startedAt } = process;
      const known = before.get(pid);
      if (known?.started === started) {
        this.#seen.set(pid, known);
        continue;
      }
      if (Date.now() - startedAt < LEAST_AGE_MS) continue;
      const launch = launchOf(process, profiles);
      this.#seen.set(pid, { started, launch });
      if (launch !== undefined && startedAt >= this.#since) found.push(launch);
    }
    // The other processes of an app are no launches of their own.
    return found.filter(({ pid, profile }) => this.#seen.get(parentOf(pid))?.launch?.profile !== profile);
  }

  /** Processes of the profile's images, as of the last look. */
  running(profile: string): number {
    return [...this.#seen.values()].filter(
      ({ launch }) => launch?.warm === true && launch.profile === profile,
    ).length;
  }
}

function parentOf(pid: number): number {
  return processOf(pid)?.parent ?? 0;
}

function launchOf({ pid, parent, startedAt }: Process, profiles: readonly Known[]): Launch | undefined {
  const mapped = mappedImages(pid);
  const warm = profiles.find(({ images }) => images.some((image) => mapped.has(image)));
  const cold = (): Known | undefined => {
    const program = link(`/proc/${pid}/exe`);
    if (program === undefined) return undefined;
    return profiles.find(({ definition, madeAt }) => startedAt > madeAt && isOf(definition, program, pid));
  };
  const profile = (warm ?? cold())?.name;
  // The build's own launches.
  return profile === undefined || isKept(parent) ? undefined : { profile, pid, warm: warm !== undefined };
}

function isOf({ program, args, launch }: Definition, path: string, pid: number): boolean {
  // With any arguments, it could be any other use of the program.
  if (launch.args !== 'exact') return false;
  const [first = '', ...others] = procText(`${pid}/cmdline`)?.split('\0').slice(0, -1) ?? [];
  if (realPath(program) === path) return isDeepStrictEqual(others, args);
  // Of a script, the kernel executes the interpreter, and puts its words first. So does thaw-exec with its own, while it
  // launches, and in what watches beside a launch (docs/guard.md).
  if (!isScript(program) || basename(path) === 'thaw-exec') return false;
  return isDeepStrictEqual([first, ...others].slice(-1 - args.length), [program, ...args]);
}

function isScript(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      const head = Buffer.alloc(2);
      readSync(file, head);
      return head.toString('latin1') === '#!';
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** Whether one of those above it is what builds keep their apps below (native/spawn/keeper.cc). */
function isKept(pid: number): boolean {
  for (let above = pid; above > 1; above = parentOf(above))
    if (procText(`${above}/comm`) === 'thaw-keeper\n') return true;
  return false;
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
