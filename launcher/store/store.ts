// The store: what lies where in it, and which profiles it holds. The rules that thaw-exec goes by come from the engine
// (native/store/store.h).
//
//   profiles/<name>/definition.toml, definition.json   the definition that was built, with absolute paths
//   profiles/<name>/<id>.thaw                          images, never written in place
//   profiles/<name>/current.thaw                       symbolic link to the image that launches use
//   profiles/<name>/current.<n>.thaw                   the same, to its other images, where it has several
//   profiles/<name>/deaths/<id>                        how launches of an image have died early (docs/guard.md)
//   profiles/<name>/history.jsonl                      builds, also those that failed, and measurements
//   profiles/<name>/rebuild                           why a launch has asked for a new image
//   index/<key>                                        symbolic link to ../profiles/<name>/current.thaw
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';
import { makeDeathsFolder } from './guard.js';
import { expectOwn } from './own.js';
import { type Readers, keepTo, shareFolder } from './readers.js';
import { syncFolder } from './replace.js';

export class Store {
  readonly root: string;

  constructor(root: string) {
    this.root = realPath(resolve(root));
  }

  get profilesFolder(): string {
    return join(this.root, native.store.profiles);
  }

  get indexFolder(): string {
    return join(this.root, native.store.index);
  }

  folder(name: string): string {
    return join(this.profilesFolder, name);
  }

  /** The link that launches follow; of a profile with several images, to the one with this number. */
  current(name: string, number = 0): string {
    const { current } = native.store;
    const file = number === 0 ? current : current.replace(/\.thaw$/, `.${number}.thaw`);
    return join(this.folder(name), file);
  }

  /** Those that are there, in order. */
  allCurrent(name: string): string[] {
    const files = entries(this.folder(name));
    const numbers = files
      .map((file) => /^current(?:\.(\d+))?\.thaw$/.exec(file))
      .filter((match) => match !== null);
    return numbers
      .map(([, number]) => Number(number ?? 0))
      .sort((a, b) => a - b)
      .map((number) => this.current(name, number));
  }

  /** Why a launch has asked for a new image; undefined: none has. */
  rebuildReason(name: string): string | undefined {
    try {
      return readFileSync(this.rebuildRequest(name), 'utf8');
    } catch {
      return undefined;
    }
  }

  rebuildRequest(name: string): string {
    return join(this.folder(name), native.store.rebuild);
  }

  /**
   * Makes the folders of a profile, where nobody but the builder can put anything. `ownGroup`: as of expectOwn.
   * @throws ThawError where somebody else could: what they plant there, the builder would follow
   */
  make(name: string, readers?: Readers, ownGroup?: number): void {
    const folders = [this.root, this.profilesFolder, this.indexFolder];
    try {
      const known = existsSync(this.root);
      // Launches of other users pass through; root's profiles may be theirs.
      const mode = process.geteuid?.() === 0 ? 0o711 : 0o700;
      for (const folder of folders) {
        const old = existsSync(folder);
        mkdirSync(folder, { recursive: true, mode });
        expectOwn(folder, ownGroup);
        // A folder that was there before the store keeps the mode that it was given.
        if (folder !== this.root || !known) keepTo(folder, mode);
        if (!old) syncFolder(dirname(folder));
      }
      mkdirSync(this.folder(name), { recursive: true, mode: 0o700 });
      expectOwn(this.folder(name), ownGroup);
      shareFolder(this.folder(name), readers);
      makeDeathsFolder(this.folder(name), readers);
      syncFolder(this.profilesFolder);
    } catch (error) {
      if (error instanceof ThawError) throw error;
      throw new ThawError(`cannot make the store ${this.root}: ${messageOf(error)}`, {
        remedy: 'choose another one with --store or $THAW_STORE',
        cause: error,
      });
    }
  }

  /** The names of all profiles that were built, in order. */
  names(): string[] {
    return entries(this.profilesFolder).filter((name) => existsSync(this.definitionFile(name)));
  }

  definitionFile(name: string): string {
    return join(this.folder(name), 'definition.json');
  }

  /** @throws ThawError when there is no such profile */
  definition(name: string): Definition {
    this.expect(name);
    const file = this.definitionFile(name);
    try {
      const definition = JSON.parse(readFileSync(file, 'utf8')) as Definition;
      if (!('value' in definition.warmup.until) || !('prove' in definition))
        throw new ThawError('an earlier thaw has written it');
      return definition;
    } catch (error) {
      throw new ThawError(`cannot read ${file}: ${messageOf(error)}`, {
        remedy: 'build the profile again',
        cause: error,
      });
    }
  }

  /** A name is one folder's; anything else could lead out of the store. */
  has(name: string): boolean {
    return /^[a-z0-9][a-z0-9._-]*$/.test(name) && existsSync(this.definitionFile(name));
  }

  /** @throws ThawError when there is no such profile */
  expect(name: string): void {
    if (this.has(name)) return;
    const names = this.names();
    throw new ThawError(`there is no profile ${name} in ${this.root}`, {
      remedy:
        names.length === 0
          ? 'make one with thaw build PROFILE.toml'
          : `the profiles are: ${names.join(', ')}`,
    });
  }

  /** The file names of a profile's images, the current one among them. */
  images(name: string): string[] {
    return entries(this.folder(name)).filter((file) => /^[0-9a-f]+\.thaw$/.test(file));
  }

  /** The file names of the images that launches use. */
  currentImages(name: string): string[] {
    return this.allCurrent(name).flatMap((link) => readLink(link) ?? []);
  }

  /** The keys in the index that lead to a profile. */
  keys(name: string): string[] {
    const target = indexTarget(name);
    return entries(this.indexFolder).filter((key) => readLink(join(this.indexFolder, key)) === target);
  }

  /** The profile that a key in the index leads to; undefined: none that is there. */
  profileOf(key: string): string | undefined {
    const target = readLink(join(this.indexFolder, key));
    return this.names().find((name) => indexTarget(name) === target);
  }
}

/** What an index entry of a profile links to: relative, so that a store can be moved. */
export function indexTarget(name: string): string {
  const { profiles, current } = native.store;
  return join('..', profiles, name, current);
}

export function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Without symbolic links, so that what is looked at is what is written to; a folder that is not there yet as it is. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** undefined: it is none, or not for this user. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
