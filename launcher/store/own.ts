// A store is the builder's alone: in a folder that another user can write to, names become links to files of the builder's.
import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

import { ThawError } from '../errors.js';

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/** @throws ThawError where a user other than root and the caller could put something in the folder's place, or into it */
export function expectOwn(folder: string): void {
  const real = realpathSync(folder);
  if (real !== folder) throw foreign(folder, `it leads to ${real}`);
  for (let path = folder, inside = true; ; path = dirname(path), inside = false) {
    const problem = problemOf(path, inside);
    if (problem !== undefined) throw foreign(folder, `${path} ${problem}`);
    if (path === dirname(path)) return;
  }
}

function problemOf(path: string, inside: boolean): string | undefined {
  const { uid, mode } = lstatSync(path);
  if (!trusted().has(uid)) return `belongs to user ${uid}`;
  // In a folder like /tmp, others cannot touch what is not theirs.
  const shared = (mode & OTHERS_MAY_WRITE) !== 0 && (inside || (mode & STICKY) === 0);
  return shared ? `can be written by others (mode ${(mode & 0o7777).toString(8)})` : undefined;
}

/** Whoever owns the root folder can do anything here: in a user namespace, that may be somebody without a name. */
function trusted(): ReadonlySet<number> {
  return new Set([0, process.geteuid?.() ?? 0, lstatSync('/').uid]);
}

function foreign(folder: string, why: string): ThawError {
  return new ThawError(`the store ${folder} is not the builder's alone: ${why}`, {
    remedy:
      "choose a store that only the builder can write to with --store or $THAW_STORE, or build as the store's owner",
  });
}
