// The store of a bench, sealed by thaw pack and mounted.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../launcher/errors.js';
import { FORMATS, compressionFor, formatOf, type Compression } from '../launcher/packing/formats/index.js';
import { pack } from '../launcher/packing/pack.js';
import { Store } from '../launcher/store/store.js';
import { output } from './command.js';
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
  }
}

/** One of each format, as thaw pack makes it for storage of that rate. */
export function sealedFormats(
  rate: number,
): readonly { readonly name: string; readonly compression: Compression }[] {
  return FORMATS.map((format) => ({ name: format.name, compression: compressionFor(format, rate) }));
}

/** Beside the store: on the disk whose rate is limited. */
export function sealedPath(store: string, name: string): string {
  return join(store, `sealed.${name}`);
}
