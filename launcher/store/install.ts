// Installing and removing: every switch is one rename, so that a launch finds the old state or the new one, also after a
// power cut: what a name leads to is on the disk before the name is.
import { readFileSync, realpathSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';
import { logOf, msSince } from '../log.js';
import { forgetLaunches } from './guard.js';
import type { Readers } from './readers.js';
import { moveTo, replaceFile, replaceLink } from './replace.js';
import { resolvedToml } from './resolved.js';
import { type Store, entries, indexTarget } from './store.js';
import { type Usage, usage } from './usage.js';

const storeLog = logOf('store');

/** Makes the proven images `asides`, in the profile's folder, those that launches use. Returns their paths. */
export function install(
  store: Store,
  definition: Definition,
  asides: readonly string[],
  readers: Readers | undefined,
): string[] {
  const { name } = definition;
  const paths = asides.map((aside) => replaceImage(store, name, aside));
  replaceFile(
    join(store.folder(name), 'definition.toml'),
    resolvedToml(readFileSync(definition.file, 'utf8'), definition),
    readers,
  );
  replaceFile(store.definitionFile(name), `${JSON.stringify(definition, undefined, 2)}\n`, readers);
  // The first one tells how many there are.
  for (const [number, path] of [...paths.entries()].reverse())
    replaceLink(store.current(name, number), basename(path));
  for (const link of store.allCurrent(name).slice(paths.length)) rmSync(link);
  rmSync(store.rebuildRequest(name), { force: true });
  indexProfile(store, definition);
  for (const path of paths)
    storeLog.info({ profile: name, image: path, bytes: statSync(path).blocks * 512 }, 'installed');
  removeUnused(store, name, usage());
  return paths;
}

/** Puts `aside` in the place of the installed image that it is a changed copy of. Returns its path. */
export function replaceImage(store: Store, name: string, aside: string): string {
  const path = join(store.folder(name), `${native.show(aside).header.id}.thaw`);
  // Another image's signature: of the one that is retrained, which has the same name.
  rmSync(`${path}.sig`, { force: true });
  watch(aside);
  moveTo(aside, path);
  storeLog.debug({ profile: name, from: aside, image: path }, 'image put in place');
  return path;
}

/** The kernel reads all of such a file, its holes as well, and adds a hundredth to it. */
const MOST_WATCHED = 2 ** 32;

/** Has the kernel watch the image, where the file system can: a damaged page is an I/O error then, and nobody can write to it. */
function watch(image: string): void {
  const begin = performance.now();
  if (statSync(image).size > MOST_WATCHED) return;
  try {
    const enabled = native.enableVerity(image);
    storeLog.debug({ image, enabled, ms: msSince(begin) }, 'fs-verity');
  } catch (error) {
    storeLog.warn({ image, error: messageOf(error) }, 'no fs-verity');
  }
}

/** @throws ThawError when launches of this program and these arguments are another profile's */
export function expectNotIndexed(store: Store, definition: Definition): void {
  const owner = store.profileOf(keyOf(definition));
  if (owner === undefined || owner === definition.name) return;
  throw new ThawError(
    `the program, arguments and folder of ${definition.name} are those of the profile ${owner}`,
    {
      remedy: `remove it first (thaw remove ${owner}), or give this profile other arguments`,
    },
  );
}

function keyOf({ program, args, cwd, launch }: Definition): string {
  const folder = launch.cwd === 'any' ? '' : realpathSync(cwd);
  return native.launchKey(program, launch.args === 'deliver' ? null : args, folder);
}

/** One entry for the definition's arguments and folder; entries of an earlier definition go. */
function indexProfile(store: Store, definition: Definition): void {
  const { name, program } = definition;
  const key = keyOf(definition);
  for (const old of store.keys(name)) if (old !== key) unlinkSync(join(store.indexFolder, old));
  replaceLink(join(store.indexFolder, key), indexTarget(name));
  storeLog.debug({ profile: name, key, program }, 'indexed');
}

export interface Removed {
  readonly path: string;
  /** On disk, in bytes. */
  readonly size: number;
}

/** Removes the images of a profile that are neither current nor in use. */
export function removeUnused(store: Store, name: string, users: Usage): Removed[] {
  const current = store.currentImages(name);
  return store
    .images(name)
    .filter((image) => !current.includes(image) && !users.has(image))
    .map((image) => removeFile(join(store.folder(name), image)));
}

/** Removes what builds that were killed left behind. */
export function removeLeftovers(store: Store, name: string): Removed[] {
  return entries(store.folder(name))
    .filter((file) => isLeftover(file))
    .map((file) => removeFile(join(store.folder(name), file)));
}

/** Where a build in this process writes an image: its pid tells later whether the build is still at work. */
export function asidePath(store: Store, name: string, number = 0): string {
  return join(store.folder(name), `.new-${process.pid}${number === 0 ? '' : `-${number}`}.thaw`);
}

function isLeftover(file: string): boolean {
  const pid = /^(?:\.new-|definition\.(?:toml|json)\.|history\.jsonl\.|current(?:\.\d+)?\.thaw\.)(\d+)/.exec(
    file,
  )?.[1];
  return pid !== undefined && !isAlive(Number(pid));
}

/** Whether a process is there: work that one with this pid has left is nobody's any more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Removes index entries whose profile is gone. */
export function removeDangling(store: Store): Removed[] {
  return entries(store.indexFolder)
    .map((key) => join(store.indexFolder, key))
    .filter((link) => statSync(link, { throwIfNoEntry: false }) === undefined)
    .map((link) => {
      unlinkSync(link);
      storeLog.info({ path: link, bytes: 0 }, 'removed');
      return { path: link, size: 0 };
    });
}

/** Removes a profile with all its images. Instances that run keep what they have mapped. */
export function removeProfile(store: Store, name: string): void {
  store.expect(name);
  for (const key of store.keys(name)) unlinkSync(join(store.indexFolder, key));
  // The link first: a launch in between finds no image, not half a one.
  for (const link of store.allCurrent(name)) rmSync(link);
  for (const image of store.images(name)) forgetLaunches(join(store.folder(name), image));
  rmSync(store.folder(name), { recursive: true });
  storeLog.info({ profile: name }, 'profile removed');
}

function removeFile(path: string): Removed {
  const size = statSync(path).blocks * 512;
  unlinkSync(path);
  rmSync(`${path}.sig`, { force: true });
  forgetLaunches(path);
  storeLog.info({ path, bytes: size }, 'removed');
  return { path, size };
}
