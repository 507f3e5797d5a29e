// What of a store is in the way of builds and launches, and what to do about it (`thaw doctor`).
import { existsSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { accountOf } from '../app/account.js';
import { type Check, native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';
import { shellWord } from '../shell.js';
import { size } from '../units.js';
import { expectOwn } from './own.js';
import { freeIn } from './room.js';
import { procText } from '../instances/processes.js';
import type { Store } from './store.js';
import type { Stores } from './stores.js';

interface Problem {
  readonly what: string;
  readonly remedy: string;
}

interface Row {
  readonly name: string;
  /** Of the store that builds write to, alone. */
  readonly toWrite?: true;
  readonly problem: (store: Store) => Problem | undefined | Promise<Problem | undefined>;
}

const ROWS: readonly Row[] = [
  { name: 'store', problem: foreign },
  { name: 'store: images', problem: foreignImage },
  { name: 'store: read-only', toWrite: true, problem: readOnly },
  { name: 'store: noexec', toWrite: true, problem: noExec },
  { name: 'store: room', toWrite: true, problem: noRoom },
];

/** One row for each problem; a store without any has one that says so. */
export async function storeChecks(stores: Stores): Promise<Check[]> {
  const { all, writable } = stores;
  const checks = await Promise.all(all.map((store) => checksOf(store, store.root === writable.root)));
  return checks.flat();
}

async function checksOf(store: Store, written: boolean): Promise<Check[]> {
  const found: Check[] = [];
  for (const { name, toWrite, problem } of ROWS) {
    if (toWrite === true && !written) continue;
    const one = await problem(store);
    if (one !== undefined) found.push({ name, ok: false, detail: one.what, remedy: one.remedy });
  }
  if (found.length > 0) return found;
  const detail = `${store.root}: ${existsSync(store.root) ? `${size(freeIn(place(store)))} free` : 'not made yet'}`;
  return [{ name: 'store', ok: true, detail, remedy: '' }];
}

/** The store, or the folder that it will be made in. */
function place({ root }: Store): string {
  let path = root;
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path);
  return path;
}

const OTHER_STORE = 'choose another store with --store or $THAW_STORE';

/** As builds ask it (Store.make): in a folder of somebody else, names can become links to the builder's files. */
function foreign(store: Store): Problem | undefined {
  const folders = [
    store.profilesFolder,
    store.indexFolder,
    ...store.names().map((name) => store.folder(name)),
  ].filter((folder) => existsSync(folder));
  for (const folder of [place(store), ...folders])
    try {
      expectOwn(folder);
    } catch (error) {
      const remedy = error instanceof ThawError ? error.remedy : undefined;
      return { what: messageOf(error), remedy: remedy ?? OTHER_STORE };
    }
  return undefined;
}

/** As launches ask it (native/launch/check/owner.cc). */
async function foreignImage(store: Store): Promise<Problem | undefined> {
  for (const name of store.names()) {
    const trusted = new Set([0, process.geteuid?.() ?? 0, await profilesUser(store, name)]);
    for (const link of store.allCurrent(name)) {
      const uid = statSync(link, { throwIfNoEntry: false })?.uid;
      if (uid === undefined || trusted.has(uid)) continue;
      const what = `the image of ${name} belongs to user ${uid}: each launch is cold`;
      return {
        what,
        remedy: `thaw rebuild ${name}, or, if nobody else could write to it: chown 0 ${shellWord(link)}`,
      };
    }
  }
  return undefined;
}

/** Whose the image may be as well (store/readers.ts). */
async function profilesUser(store: Store, name: string): Promise<number | undefined> {
  try {
    return (await accountOf(store.definition(name).user)).uid;
  } catch {
    return undefined; // That the definition cannot be read, or names nobody, is what a rebuild says.
  }
}

function readOnly(store: Store): Problem | undefined {
  const path = place(store);
  if (!native.isReadOnly(path)) return undefined;
  return {
    what: `${path} is on a read-only file system: launches work, and nothing can be built here`,
    remedy: `mount -o remount,rw ${shellWord(mountPoint(path))}, or ${OTHER_STORE}`,
  };
}

function noExec(store: Store): Problem | undefined {
  const path = place(store);
  if (!native.isNoExec(path)) return undefined;
  return {
    what: `${path} is mounted noexec: each launch copies what code an image holds into memory of its own`,
    remedy: `mount -o remount,exec ${shellWord(mountPoint(path))}, or ${OTHER_STORE}`,
  };
}

/** Where nothing was built yet: what small apps take. */
const LEAST_ROOM = 16 << 20;

/** A new image stands beside the old one until it has proved itself. */
function noRoom(store: Store): Problem | undefined {
  const path = place(store);
  const { ffree, files } = statfsSync(path);
  const images = store
    .names()
    .flatMap((name) => store.allCurrent(name).map((link) => ({ name, bytes: bytesOf(link) })));
  const [largest] = images.sort((a, b) => b.bytes - a.bytes);
  const needed = Math.max(LEAST_ROOM, largest?.bytes ?? 0);
  const free = freeIn(path);
  // Some file systems make their inodes as they are needed, and tell of none.
  const full = files > 0 && ffree < 16 ? `${ffree} more files can be made in ${path}` : undefined;
  if (free >= needed && full === undefined) return undefined;
  const why =
    largest?.bytes === needed ? `the image of ${largest.name} takes` : 'an image of a small app takes up to';
  return {
    what: full ?? `${size(free)} free in ${path}: ${why} ${size(needed)}, beside the one before`,
    remedy: `thaw gc removes images that nobody uses, thaw remove NAME those of a profile; or make room in ${mountPoint(path)}, or ${OTHER_STORE}`,
  };
}

function bytesOf(link: string): number {
  return (statSync(link, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

/** Where the file system is mounted that `path` is on (proc_pid_mountinfo(5)); what is mounted later hides what was before. */
function mountPoint(path: string): string {
  const points = (procText('self/mountinfo') ?? '').split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  const above = points
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    )
    .filter((point) => point === '/' || path === point || path.startsWith(`${point}/`));
  return above.reduce((longest, point) => (point.length > longest.length ? point : longest), '/');
}
