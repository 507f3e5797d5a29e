// Who uses an image: a restored process has it mapped for as long as it lives.
import { readFileSync } from 'node:fs';

import { entries } from './store.js';

/** For each image's file name (<id>.thaw, unique by itself), the processes that have it mapped. */
export type Usage = ReadonlyMap<string, readonly number[]>;

/** Reads /proc/PID/maps of every process that this user may look into. */
export function usage(): Usage {
  const users = new Map<string, number[]>();
  for (const pid of entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number))
    for (const image of mappedImages(pid)) users.set(image, [...(users.get(image) ?? []), pid]);
  return users;
}

/** The file names of the images that a process has mapped. */
export function mappedImages(pid: number): Set<string> {
  return new Set(Array.from(mappedNames(pid)).filter((name) => IMAGE.test(name)));
}

const IMAGE = /^[0-9a-f]+\.thaw$/;

/** The names of all files that a process has mapped, without their folders. */
export function mappedNames(pid: number): Set<string> {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return new Set(); // Gone, or another user's: unlinking an image does not hurt those who have it mapped.
  }
  const found = maps.matchAll(/\/([^/\n]+?)(?: \(deleted\))?$/gm);
  return new Set(Array.from(found, (match) => match[1] ?? ''));
}
