// A store is the builder's alone: in a folder that another user can write to, names become links to files of the builder's.
import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

import { ThawError } from '../errors.js';
import { shellWord } from '../shell.js';

const GROUP_MAY_WRITE = 0o020;
const ALL_MAY_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * `ownGroup`: the caller's, where nobody else has it.
 * @throws ThawError where a user other than root and the caller could put something in the folder's place, or into it
 */
export function expectOwn(folder: string, ownGroup?: number): void {
  const real = realpathSync(folder);
  if (real !== folder) throw foreign(folder, { what: `it leads to ${real}` });
  for (let path = folder, inside = true; ; path = dirname(path), inside = false) {
    const problem = problemOf(path, inside, ownGroup);
    if (problem !== undefined) throw foreign(folder, problem);
    if (path === dirname(path)) return;
  }
}

interface Problem {
  readonly what: string;
  /** What to do about it, other than taking another store. */
  readonly command?: string;
}

function problemOf(path: string, inside: boolean, ownGroup: number | undefined): Problem | undefined {
  const { uid, gid, mode } = lstatSync(path);
  if (!trusted().has(uid))
    return {
      what: `${path} belongs to user ${uid}`,
      command: `chown -R ${process.geteuid?.() ?? 0} ${shellWord(path)}, if nobody else could have written what is there`,
    };
  const writers = mode & (gid === ownGroup ? ALL_MAY_WRITE : ALL_MAY_WRITE | GROUP_MAY_WRITE);
  // In a folder like /tmp, others cannot touch what is not theirs.
  if (writers === 0 || (!inside && (mode & STICKY) !== 0)) return undefined;
  const whose = `${(writers & GROUP_MAY_WRITE) === 0 ? '' : 'g'}${(writers & ALL_MAY_WRITE) === 0 ? '' : 'o'}`;
  return {
    what: `${path} can be written by others (mode ${(mode & 0o7777).toString(8)})`,
    command: `chmod ${whose}-w ${shellWord(path)}`,
  };
}

/** Whoever owns the root folder can do anything here: in a user namespace, that may be somebody without a name. */
function trusted(): ReadonlySet<number> {
  return new Set([0, process.geteuid?.() ?? 0, lstatSync('/').uid]);
}

function foreign(folder: string, { what, command }: Problem): ThawError {
  const other = 'choose a store that only the builder can write to with --store or $THAW_STORE';
  return new ThawError(`the store ${folder} is not the builder's alone: ${what}`, {
    remedy: command === undefined ? `${other}, or build as the store's owner` : `${command}\n    or ${other}`,
  });
}
