// What a device has read of a registry, by digest, beside its store: whether there is something new is then one request without
// an answer's body. All that is checked of it is checked each time.
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { messageOf } from '../errors.js';
import { logOf } from '../log.js';
import { digestOf } from './oci.js';

const registryLog = logOf('registry');

export class Cache {
  readonly #folder: string;
  readonly #used = new Set<string>();

  /** Of the store in the file `output`. */
  constructor(output: string) {
    this.#folder = join(dirname(output), `.${basename(output)}.seen`);
  }

  get(digest: string): Buffer | undefined {
    try {
      const bytes = readFileSync(join(this.#folder, fileOf(digest)));
      if (digestOf(bytes) !== digest) return undefined;
      this.#used.add(fileOf(digest));
      return bytes;
    } catch {
      return undefined;
    }
  }

  /** It is a cache: where it cannot be written, everything is read anew. */
  put(digest: string, bytes: Buffer): void {
    const aside = join(this.#folder, `${process.pid}`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(aside, bytes);
      renameSync(aside, join(this.#folder, fileOf(digest)));
      this.#used.add(fileOf(digest));
    } catch (error) {
      registryLog.debug({ folder: this.#folder, error: messageOf(error) }, 'not kept');
    }
  }

  /** Removes what was not asked for this time. */
  tidy(): void {
    const status = lstatSync(this.#folder, { throwIfNoEntry: false });
    // Not where somebody else has put a link in its place.
    if (status?.isDirectory() !== true || status.uid !== process.geteuid?.()) return;
    const old = readdirSync(this.#folder).filter((name) => isOurs.test(name) && !this.#used.has(name));
    for (const file of old) rmSync(join(this.#folder, file), { force: true });
  }
}

/** Or a process id: one that was killed while it wrote. */
const isOurs = /^(?:sha256-[0-9a-f]{64}|\d+)$/;
const fileOf = (digest: string): string => digest.replace(':', '-');
