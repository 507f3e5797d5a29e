// The store: what lies where in it, and which profiles it holds. The rules that thaw-exec goes by come from the engine
// (native/store/store.h).
//
//   profiles/<name>/definition.toml, definition.json   the definition that was built, with absolute paths
//   profiles/<name>/<id>.thaw                          images, never written in place
//   profiles/<name>/current.thaw                       symbolic link to the image that launches use
//   index/<key>                                        symbolic link to ../profiles/<name>/current.thaw
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';

export class Store {
  readonly root: string;

  constructor(root: string | undefined) {
    this.root = resolve(root ?? native.ownStore());
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

  /** The link that launches follow. */
  current(name: string): string {
    return join(this.folder(name), native.store.current);
  }

  /** Makes the folders of a profile. Not writable by others: thaw-exec would refuse such an image. */
  make(name: string): void {
    try {
      for (const folder of [this.root, this.profilesFolder, this.indexFolder, this.folder(name)])
        mkdirSync(folder, { recursive: true, mode: 0o755 });
    } catch (error) {
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
      if (!('value' in definition.warmup.until)) throw new ThawError('an earlier thaw has written it');
      return definition;
    } catch (error) {
      throw new ThawError(`cannot read ${file}: ${messageOf(error)}`, {
        remedy: 'build the profile again',
        cause: error,
      });
    }
  }

  /** @throws ThawError when there is no such profile */
  expect(name: string): void {
    // A name is one folder's; anything else could lead out of the store.
    if (/^[a-z0-9][a-z0-9._-]*$/.test(name) && existsSync(this.definitionFile(name))) return;
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

  /** The file name of the image that launches use. */
  currentImage(name: string): string | undefined {
    try {
      return readlinkSync(this.current(name));
    } catch {
      return undefined;
    }
  }

  /** The keys in the index that lead to a profile. */
  keys(name: string): string[] {
    const target = indexTarget(name);
    return entries(this.indexFolder).filter((key) => readLink(join(this.indexFolder, key)) === target);
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

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
