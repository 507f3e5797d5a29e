// Several stores in order: a vendor's, on a read-only file system, and one that can be written to.
import { native } from '../engine/index.js';
import { UsageError } from '../errors.js';
import { Store } from './store.js';

/** Paths with a colon between two. */
export function rootsIn(stores: string): string[] {
  return stores.split(':').filter((root) => root !== '');
}

export class Stores {
  readonly all: readonly Store[];

  /** `given`: their folders, or as --store has them; else those of the caller (native/store/store.h). */
  constructor(given: string | readonly string[] | undefined) {
    const roots = (typeof given === 'string' ? rootsIn(given) : given) ?? native.ownStores();
    if (roots.length === 0) throw new UsageError('--store names no folder');
    this.all = roots.map((root) => new Store(root));
  }

  /** The first that is not on a read-only file system: what is built goes there. */
  get writable(): Store {
    return this.all.find(({ root }) => !native.isReadOnly(root)) ?? this.first;
  }

  /** The first that has the profile, as launches look for it. */
  of(name: string): Store {
    return this.all.find((store) => store.has(name)) ?? this.first;
  }

  /** Where is kept what launches and measurements have to say of a profile: in its own store, if that can be written to. */
  keeperOf(name: string): Store {
    const store = this.of(name);
    return native.isReadOnly(store.root) ? this.writable : store;
  }

  /** As thaw-exec takes them. */
  get list(): string {
    return this.all.map(({ root }) => root).join(':');
  }

  /** The profiles of all of them, in order. */
  names(): string[] {
    return [...new Set(this.all.flatMap((store) => store.names()))].sort();
  }

  private get first(): Store {
    const [store] = this.all;
    if (store === undefined) throw new RangeError('there is no store');
    return store;
  }
}
