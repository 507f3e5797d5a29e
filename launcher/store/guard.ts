// The guard's records (docs/guard.md): who may write them, what they say, and when they go.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';

import { type Image, type Problem, native } from '../engine/index.js';
import type { Readers } from './readers.js';
import { syncFolder } from './replace.js';

/**
 * Makes the folder of a profile's records: the watcher of a launch, which is the launching user's, writes there, and
 * nobody else. All that a false record can do is to have that user's launches start cold.
 */
export function makeDeathsFolder(profileFolder: string, readers: Readers | undefined): void {
  const path = join(profileFolder, native.store.deaths);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid, gid } = fstatSync(folder);
    const [owner, group] = [readers?.uid ?? process.geteuid?.() ?? uid, readers?.gid ?? gid];
    if (owner !== uid || group !== gid) fchownSync(folder, owner, group);
    fchmodSync(folder, 0o700);
  } finally {
    closeSync(folder);
  }
  syncFolder(profileFolder);
}

/** Forgets how launches of an image went that is removed. */
export function forgetLaunches(image: string): void {
  const { record } = native.deaths(image);
  if (record === '') return;
  rmSync(record, { force: true });
  try {
    rmSync(native.store.goodSign + basename(record), { force: true });
  } catch {
    // The sign of another user, which counts for nothing.
  }
}

/** Why launches do not use the image at `path`; undefined: they do, as far as the guard knows. */
function setAside(
  path: string,
  stores: string,
  { requirements: { guardTries: tries } }: Image,
): string | undefined {
  const { count, last } = native.deaths(realpathSync(path), stores);
  return tries === 0 || count < tries ? undefined : `set aside after ${count} early deaths: ${last}`;
}

/** The same as what is wrong with it. `stores`: where its record may be, with a colon between two. */
export function guardProblems(path: string, stores: string): Problem[] {
  try {
    const image = native.show(path);
    const what = setAside(path, stores, image);
    if (what === undefined) return [];
    return [{ condition: 'guard', what, remedy: `thaw rebuild ${image.requirements.profile}` }];
  } catch {
    return []; // It cannot be read, which is a problem that others tell.
  }
}
