// What a guest leaves for the root: a folder with the paths that the device will have.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../engine/index.js';
import { Store } from '../store/store.js';

/** The store's path below a device's root. */
export const storePath = (): string => native.store.system.slice(1);

/** The images that launches will use. */
export function imagesIn(root: string): string[] {
  const store = new Store(join(root, storePath()));
  return store.names().flatMap((name) => store.allCurrent(name));
}

/** Bytes on disk of all files below `folder`; images are sparse. */
export function diskUsage(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? diskUsage(path) : lstatSync(path).blocks * 512;
    })
    .reduce((sum, bytes) => sum + bytes, 0);
}
