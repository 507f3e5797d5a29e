// Tells when something may have happened to the inputs of images, by inotify on the folders that they are in. It tells too
// much rather than too little; whether an image is out of date is then looked at (freshness.ts).
import { type FSWatcher, existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

import { type Image } from '../engine/index.js';

/** Of a folder: which profiles want to know what. */
interface Interest {
  /** By the name of an entry. */
  readonly names: Map<string, Set<string>>;
  /** Those for whom it counts which names there are. */
  readonly listing: Set<string>;
}

export class InputWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  #interests = new Map<string, Interest>();
  readonly #changed: (profile: string) => void;
  #unwatched = 0;

  /** `changed` is told the profile. */
  constructor(changed: (profile: string) => void) {
    this.#changed = changed;
  }

  /** Folders that are looked at. */
  get watched(): number {
    return this.#watchers.size;
  }

  /** Folders that cannot be: the limit of watches is reached (fs.inotify.max_user_watches), or they are not there. */
  get unwatched(): number {
    return this.#unwatched;
  }

  /** Watches for these profiles with their images, and for no others. */
  set(images: ReadonlyMap<string, readonly Image[]>): void {
    this.#interests = interestsOf(images);
    for (const [folder, watcher] of this.#watchers)
      if (!this.#interests.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    this.#unwatched = 0;
    for (const folder of this.#interests.keys()) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        this.#tell(folder, event, name);
      });
      watcher.on('error', () => {
        this.#watchers.delete(folder);
        watcher.close();
      });
      this.#watchers.set(folder, watcher);
    } catch {
      this.#unwatched++;
    }
  }

  #tell(folder: string, event: string, name: string | null): void {
    const interest = this.#interests.get(folder);
    if (interest === undefined) return;
    // The folder itself has gone or moved: the kernel names no entry, or its own name. Another may stand in its place.
    const itself = name === null || name === basename(folder);
    if (itself && !existsSync(folder)) {
      this.#watchers.get(folder)?.close();
      this.#watchers.delete(folder);
    }
    const all = itself ? [...interest.names.values()].flatMap((profiles) => [...profiles]) : [];
    const named = name === null ? [] : (interest.names.get(name) ?? []);
    const listing = event === 'rename' || itself ? interest.listing : [];
    for (const profile of new Set([...all, ...named, ...listing])) this.#changed(profile);
  }
}

function interestsOf(images: ReadonlyMap<string, readonly Image[]>): Map<string, Interest> {
  const interests = new Map<string, Interest>();
  const at = (folder: string): Interest => {
    const known = interests.get(folder) ?? {
      names: new Map<string, Set<string>>(),
      listing: new Set<string>(),
    };
    interests.set(folder, known);
    return known;
  };
  const add = (path: string, profile: string): void => {
    const [folder, name] = placeOf(path);
    const { names } = at(folder);
    names.set(name, (names.get(name) ?? new Set()).add(profile));
  };
  for (const [profile, { inputs, files, requirements }] of [...images].flatMap(([name, list]) =>
    list.map((image) => [name, image] as const),
  )) {
    for (const { path } of files.filter(({ mapped, keptOpen }) => mapped || keptOpen)) add(path, profile);
    add(requirements.program, profile);
    // What is on a root that stays as it is does not change one by one.
    for (const { path, kind } of inputs.filter(({ onRoot }) => !onRoot)) {
      add(path, profile);
      if ((kind === 'directory' || kind === 'modules') && existsSync(path)) at(path).listing.add(profile);
    }
  }
  return interests;
}

/** The folder of a path, and the entry in it; of what is missing there, the nearest that is there, and what would come next. */
function placeOf(path: string): readonly [folder: string, name: string] {
  const folder = dirname(path);
  return folder === path || existsSync(folder) ? [folder, basename(path)] : placeOf(folder);
}
