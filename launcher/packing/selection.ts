// What of a store is sealed: what launches and `thaw show`, `verify`, `rebuild` read. Logs, requests and the records of early
// deaths belong to the place where they were written.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import type { Store } from '../store/store.js';

export interface Selection {
  /** The names of the profiles, those first that are to stand first. */
  readonly profiles: readonly string[];
  /** Of the images that launches use, in that order; relative to the store. */
  readonly images: readonly string[];
  /** All files and links, the images among them; folders come with them. */
  readonly paths: readonly string[];
}

/** @throws ThawError where a profile is missing, or has no image */
export function select(store: Store, named: readonly string[] | undefined): Selection {
  const profiles = named ?? store.names();
  for (const name of profiles) store.expect(name);
  if (profiles.length === 0)
    throw new ThawError(`there are no profiles in ${store.root}`, {
      remedy: 'make them with thaw build PROFILE.toml, or name another store',
    });
  const images = profiles.flatMap((name) => imagesOf(store, name));
  const index = profiles.flatMap((name) => store.keys(name).map((key) => join(native.store.index, key)));
  const others = profiles.flatMap((name) => filesOf(store, name));
  const signatures = images
    .map((image) => `${image}.sig`)
    .filter((path) => existsSync(join(store.root, path)));
  return { profiles, images, paths: [...images, ...signatures, ...others, ...index] };
}

function imagesOf(store: Store, name: string): string[] {
  const images = [...new Set(store.currentImages(name))];
  const missing = images.find((file) => !existsSync(join(store.folder(name), file)));
  if (images.length > 0 && missing === undefined)
    return images.map((file) => join(native.store.profiles, name, file));
  throw new ThawError(`the profile ${name} has no ${missing ?? native.store.current}`, {
    remedy: `thaw rebuild ${name}`,
  });
}

/** Its links and its definition. */
function filesOf(store: Store, name: string): string[] {
  const links = store.allCurrent(name).map((link) => link.slice(store.root.length + 1));
  const definitions = ['definition.json', 'definition.toml'].map((file) =>
    join(native.store.profiles, name, file),
  );
  return [...links, ...definitions.filter((path) => existsSync(join(store.root, path)))];
}
