// Who may read what lies in a store: an image holds the memory of its app, a log and a definition what the app was told.
// That is for the builder, and for the profile's user, who launches it; nobody else.
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync } from 'node:fs';

import { type Account, isGroupOfOne } from '../app/account.js';

/** The profile's user, where that is not the builder. */
export interface Readers {
  readonly uid: number;
  readonly gid: number;
  /** Nobody else has this group: it can be given the right to read. */
  readonly ownGroup: boolean;
}

export async function readersOf(account: Account): Promise<Readers | undefined> {
  const { change } = account;
  if (change === undefined) return undefined;
  return { uid: change.uid, gid: change.gid, ownGroup: await isGroupOfOne(account.name, change.gid) };
}

/** A folder's user can look for what lies in it by name, and no others. */
export function shareFolder(path: string, readers: Readers | undefined): void {
  change(path, constants.O_DIRECTORY, readers?.ownGroup === true ? readers.gid : undefined, {
    alone: readers === undefined ? 0o700 : 0o711,
    withGroup: 0o750,
  });
}

/** A file that only the builder writes: who could change a definition would have root run other commands. */
export function shareFile(path: string, readers: Readers | undefined): void {
  change(path, 0, readers?.ownGroup === true ? readers.gid : undefined, { alone: 0o600, withGroup: 0o640 });
}

/**
 * An image. Whose group is others' as well gets it as a file of their own: what they could write there, they could run
 * anyway, and no launch by anybody else would take it.
 */
export function shareImage(path: string, readers: Readers | undefined): void {
  const modes = { alone: 0o400, withGroup: 0o440 };
  if (readers === undefined || readers.ownGroup) change(path, 0, readers?.gid, modes);
  else change(path, 0, undefined, modes, readers.uid);
}

/** A folder of the store that belongs to no profile. */
export function keepTo(path: string, mode: number): void {
  change(path, constants.O_DIRECTORY, undefined, { alone: mode, withGroup: mode });
}

/** The mode is the narrow one until the owner and the group are right. */
function change(
  path: string,
  flags: number,
  gid: number | undefined,
  { alone, withGroup }: { readonly alone: number; readonly withGroup: number },
  uid?: number,
): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  try {
    const { uid: owner, gid: group } = fstatSync(file);
    fchmodSync(file, alone);
    if (gid !== undefined || uid !== undefined) fchownSync(file, uid ?? owner, gid ?? group);
    if (gid !== undefined) fchmodSync(file, withGroup);
  } finally {
    closeSync(file);
  }
}
