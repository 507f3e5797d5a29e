// How much room there is.
import { statfsSync } from 'node:fs';

/** Bytes that this user can still write in the file system of `folder`. */
export function freeIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
