// Sealing a store: select → put together → make the file system → add its hashes → put it in place.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import { verityDigest } from '../signing/verity.js';
import { putInPlace } from '../store/replace.js';
import type { Store } from '../store/store.js';
import { type Compression, type Format, compressionFor } from './formats/index.js';
import { type Selection, select } from './selection.js';
import { makeTree } from './tree.js';
import { type Verity, addVerity } from './verity.js';

export interface PackOptions {
  readonly output: string;
  readonly format: Format;
  readonly compression: Compression;
  /** These alone, in this order; undefined: all. */
  readonly profiles: readonly string[] | undefined;
  /** Adds the hashes of dm-verity. */
  readonly verity: boolean;
}

export interface Packed {
  readonly output: string;
  readonly profiles: readonly string[];
  /** In bytes. */
  readonly size: number;
  /** What the same files take in the store. */
  readonly before: number;
  readonly verity: Verity | undefined;
  /** The digest that fs-verity has for the file, in hexadecimal. */
  readonly fsVerity: string;
}

/** What a device's storage gives, in MB/s, where nobody says. */
export const USUAL_RATE = 50;

const storeLog = logOf('store');

export async function pack(store: Store, options: PackOptions): Promise<Packed> {
  const begin = performance.now();
  const { format, compression } = options;
  const output = resolve(options.output);
  const selection = select(store, options.profiles);
  // Beside the result, where a rename is one step. The files are linked from there if the store is on the same disk.
  const work = mkdtempSync(join(dirname(output), '.thaw-pack-'));
  try {
    const [tree, aside] = [join(work, 'tree'), join(work, 'store')];
    await makeTree(store.root, selection.paths, tree);
    const uuid = uuidOf(store, selection);
    const time = timeOf(store, selection);
    await format.make({ tree, output: aside, compression, first: selection.images, time, uuid });
    const verity = options.verity ? await addVerity(aside, uuid) : undefined;
    const fsVerity = verityDigest(aside).toString('hex');
    putInPlace(aside, output);
    const { size } = statSync(output);
    storeLog.info({ store: store.root, output, bytes: size, ms: msSince(begin) }, 'packed');
    return {
      output,
      profiles: selection.profiles,
      size,
      before: bytesOf(store, selection),
      verity,
      fsVerity,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** All of a store, as `thaw pack` does it by default. */
export function packWhole(store: Store, output: string, format: Format): Promise<Packed> {
  const compression = compressionFor(format, USUAL_RATE);
  return pack(store, { output, format, compression, profiles: undefined, verity: false });
}

/** The same for the same images (RFC 9562, version 8: of one's own making). */
function uuidOf(store: Store, { images }: Selection): string {
  const hash = createHash('sha256');
  for (const image of images) hash.update(native.show(join(store.root, image)).header.id);
  const hex = hash.digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** When the newest image was made. */
function timeOf(store: Store, { images }: Selection): number {
  const made = images.map((image) => native.show(join(store.root, image)).requirements.madeAtMs);
  return Math.floor(Math.max(...made) / 1000);
}

function bytesOf(store: Store, { paths }: Selection): number {
  return paths
    .map((path) => statSync(join(store.root, path)))
    .reduce((sum, { blocks }) => sum + blocks * 512, 0);
}
