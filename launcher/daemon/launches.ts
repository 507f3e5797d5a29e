// Which launches there were, by the processes that are there: a launch itself tells nobody, and does nothing for the daemon.
// What has come and gone between two looks is not seen.
import { existsSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { firstLine } from '../adapters/index.js';
import type { Definition } from '../definition/schema.js';
import { type Process, ageOf, procText, processOf, processes, ticksNow } from '../instances/processes.js';
import { readLink, realPath } from '../store/store.js';
import { mappedNames } from '../store/usage.js';

/** What is looked for of a profile. */
export interface Known {
  readonly name: string;
  readonly definition: Definition;
  /** File names of all its images, the old ones too. */
  readonly images: readonly string[];
  /** Where its app starts, and where it has gone. */
  readonly folders: readonly string[];
  /** Since when the daemon knows the image that launches use: as `started` of a process. */
  readonly since: number;
}

export interface Launch {
  readonly profile: string;
  readonly pid: number;
  readonly warm: boolean;
}

/** thaw-exec takes less until it has become the app. */
const LEAST_SECONDS = 1;

interface Seen {
  readonly started: number;
  readonly launch: Launch | undefined;
  /** What it executes; until its launch is over, a process may execute something else at any time. */
  readonly exe: string | undefined;
  /** How often it was looked at since it executes that. */
  readonly looks: number;
}

/** A process that executes the same is what it was; a launch may be under way at the first look. */
const MOST_LOOKS = 3;

export class Launches {
  #seen = new Map<number, Seen>();
  /** Those that were there before are not counted: another daemon has done so. */
  readonly #since = ticksNow();

  /** Those that are seen for the first time. */
  look(profiles: readonly Known[]): Launch[] {
    const before = this.#seen;
    this.#seen = new Map();
    const found: Launch[] = [];
    for (const process of processes()) {
      const { pid, started } = process;
      const known = before.get(pid);
      const same = known?.started === started ? known : undefined;
      const exe = same?.launch === undefined ? readLink(`/proc/${pid}/exe`) : same.exe;
      const looks = same?.exe === exe ? (same?.looks ?? 0) + 1 : 1;
      if (same !== undefined && (same.launch !== undefined || (looks > MOST_LOOKS && !isThawExec(exe)))) {
        this.#seen.set(pid, same);
        continue;
      }
      if (ageOf(process) < LEAST_SECONDS) continue;
      const launch = launchOf(process, exe, profiles);
      this.#seen.set(pid, { started, launch, exe, looks });
      if (launch !== undefined && started >= this.#since) found.push(launch);
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

function launchOf(
  { pid, parent, started }: Process,
  program: string | undefined,
  profiles: readonly Known[],
): Launch | undefined {
  const mapped = mappedNames(pid);
  // It has an image mapped that it may not take after all.
  if (mapped.has(THAW_EXEC)) return undefined;
  const warm = profiles.find(({ images }) => images.some((image) => mapped.has(image)));
  const cold = (): Known | undefined => {
    if (program === undefined) return undefined;
    return profiles.find((known) => started > known.since && isOf(known, program, pid));
  };
  const profile = (warm ?? cold())?.name;
  // The build's own launches.
  return profile === undefined || isKept(parent) ? undefined : { profile, pid, warm: warm !== undefined };
}

function isOf({ definition, folders }: Known, path: string, pid: number): boolean {
  return (
    hasWordsOf(definition, path, pid) && (!namesItsFolder(definition) || folders.includes(folderOf(pid)))
  );
}

/** Whether its words mean other files in another folder: `python3 app.py` is another app in each. */
function namesItsFolder({ args, cwd, launch }: Definition): boolean {
  return (
    launch.cwd === 'exact' &&
    args.some((arg) => arg !== '' && !isAbsolute(arg) && existsSync(resolve(cwd, arg)))
  );
}

const folderOf = (pid: number): string => readLink(`/proc/${pid}/cwd`) ?? '';

function hasWordsOf({ program, args, launch }: Definition, path: string, pid: number): boolean {
  // With any arguments, it could be any other use of the program.
  if (launch.args !== 'exact') return false;
  const [first = '', ...others] = procText(`${pid}/cmdline`)?.split('\0').slice(0, -1) ?? [];
  if (realPath(program) === path) return isDeepStrictEqual(others, args);
  // Of a script, the kernel executes the interpreter, and puts its words first. So does thaw-exec with its own, while it
  // launches, and in what watches beside a launch (docs/guard.md).
  if (firstLine(program) === '' || isThawExec(path)) return false;
  return isDeepStrictEqual([first, ...others].slice(-1 - args.length), [program, ...args]);
}

const THAW_EXEC = 'thaw-exec';

function isThawExec(path: string | undefined): boolean {
  return path !== undefined && basename(path) === THAW_EXEC;
}

/** Whether one of those above it is what builds keep their apps below (native/spawn/keeper.cc). */
function isKept(pid: number): boolean {
  for (let above = pid; above > 1; above = parentOf(above))
    if (procText(`${above}/comm`) === 'thaw-keeper\n') return true;
  return false;
}
