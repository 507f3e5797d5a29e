// Running instances of images, and how much of their memory is their own.
import { readFileSync } from 'node:fs';

import type { Stores } from '../store/stores.js';
import { usage } from '../store/usage.js';
import { ageOf, processOf } from './processes.js';

export interface Instance {
  readonly pid: number;
  readonly profile: string;
  /** An image that launches no longer take. */
  readonly old: boolean;
  readonly command: string;
  /** Seconds since its start. */
  readonly age: number;
  /** Bytes, as the kernel counts them (smaps_rollup of proc(5)); null where it lets nobody look. */
  readonly memory: Memory | null;
}

export interface Memory {
  readonly resident: number;
  /** Its part of what it shares, and all that is its own. */
  readonly proportional: number;
  /** Nobody else has these pages: they go with the process. */
  readonly own: number;
  readonly shared: number;
  readonly swapped: number;
}

/** Of all profiles in the stores, or of one. */
export function instances(stores: Stores, name?: string): Instance[] {
  const users = usage();
  return (name === undefined ? stores.names() : [name]).flatMap((profile) => {
    const current = stores.all.flatMap((store) => store.currentImages(profile));
    // A sealed store holds the same image as the one that it was made of.
    const images = new Set(stores.all.flatMap((store) => store.images(profile)));
    return [...images].flatMap((image) =>
      (users.get(image) ?? []).flatMap((pid) => instance(pid, profile, !current.includes(image))),
    );
  });
}

function instance(pid: number, profile: string, old: boolean): Instance[] {
  try {
    const process = processOf(pid);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return [
      {
        pid,
        profile,
        old,
        command,
        age: process === undefined ? 0 : ageOf(process),
        memory: memoryOf(pid),
      },
    ];
  } catch {
    return []; // It has just ended.
  }
}

function memoryOf(pid: number): Memory | null {
  try {
    return memoryIn(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  } catch {
    return null;
  }
}

/** What smaps_rollup tells, in kB there. */
export function memoryIn(text: string): Memory {
  const sum = (...names: readonly string[]): number =>
    names.reduce(
      (total, name) => total + Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024,
      0,
    );
  return {
    resident: sum('Rss'),
    proportional: sum('Pss'),
    own: sum('Private_Clean', 'Private_Dirty'),
    shared: sum('Shared_Clean', 'Shared_Dirty'),
    swapped: sum('Swap'),
  };
}
