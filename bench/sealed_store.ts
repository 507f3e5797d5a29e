// The store of a bench, sealed by thaw pack and mounted.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../launcher/errors.js';
import { formatOf, type Compression, type Format } from '../launcher/packing/formats/index.js';
import { pack } from '../launcher/packing/pack.js';
import { Store } from '../launcher/store/store.js';
import { output } from './command.js';
import { readAheadAsDevices } from './disk.js';
import { LackingError } from './lacking.js';
import { benchProgram } from './paths.js';

export class SealedStore {
  private constructor(
    readonly file: string,
    /** Where it is mounted. */
    readonly store: string,
    readonly bytes: number,
  ) {}

  /** `file`: its ending says the format. @throws LackingError where it cannot be made or mounted */
  static async of(
    store: string,
    file: string,
    compression: Compression,
    profiles: readonly string[],
  ): Promise<SealedStore> {
    const at = `${file}.mounted`;
    try {
      const { size } = await pack(new Store(store), {
        output: file,
        format: formatOf(file),
        compression,
        profiles,
        verity: false,
      });
      mkdirSync(at, { recursive: true });
      const sealed = new SealedStore(file, at, size);
      sealed.mount();
      return sealed;
    } catch (error) {
      throw new LackingError(`no sealed store: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Mounts it anew: neither the page cache nor the file system knows anything of it. */
  drop(): void {
    output(['umount', this.store]);
    output([benchProgram('page_cache'), 'drop', this.file]);
    this.mount();
  }

  end(): void {
    output(['umount', this.store]);
    rmSync(this.file);
  }

  private mount(): void {
    output(['mount', '-o', 'loop,ro,nosuid,nodev,noexec', this.file, this.store]);
    readAheadAsDevices(this.store);
  }
}

/** Makes a file system of the folder `tree`, of an arbitrary time and identity. */
export async function sealTree(
  format: Format,
  tree: string,
  output: string,
  compression: Compression,
): Promise<void> {
  const uuid = '00000000-0000-4000-8000-000000000000';
  await format.make({ tree, output, compression, first: [], time: 1, uuid });
}

/** Beside the store: on the disk whose rate is limited. */
export function sealedPath(store: string, name: string): string {
  return join(store, `sealed.${name}`);
}
