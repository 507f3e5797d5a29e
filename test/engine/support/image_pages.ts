// What an image's pages hold, whatever places they have in the file: for images that are written anew. The places of fields
// are those of native/image/model.h.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { sections } from './corrupt.js';
import { root } from './paths.js';

const format = readFileSync(join(root, 'native', 'image', 'format.h'), 'utf8');
/** In the order of THAW_SECTIONS. */
const names = [...format.matchAll(/^ {2}X\((\w+), /gm)].map(([, name]) => name ?? '');

const opBytes = 40;
const feedRunBytes = 32;
const dataRunBytes = 24;
const map = 1;
const read = 2;
/** Sections that say where pages are, how many ops there are, and which inode the file has. */
const ofPlaces = ['requirements', 'processes', 'data_runs', 'ops', 'feed_runs', 'data_blocks'];

export interface FeedRun {
  readonly address: bigint;
  readonly size: number;
  /** In the file; 0: from elsewhere. */
  readonly offset: number;
}

interface Stored {
  readonly offset: number;
  readonly size: number;
  readonly copied: boolean;
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export class ImagePages {
  readonly #bytes: Buffer;
  readonly #pageSize: number;

  constructor(path: string) {
    this.#bytes = readFileSync(path);
    this.#pageSize = this.#bytes.readUInt32LE(16);
  }

  get id(): string {
    return this.#bytes.toString('hex', 56, 72);
  }

  /** All page data as it stands in the file. */
  get data(): string {
    return hash(this.#bytes.subarray(this.#pageSize, Number(this.#bytes.readBigUInt64LE(32))));
  }

  get opCount(): number {
    return this.#records('ops', opBytes).length;
  }

  get feedRuns(): FeedRun[] {
    return this.#records('feed_runs', feedRunBytes).map((run) => ({
      address: run.readBigUInt64LE(0),
      size: Number(run.readBigUInt64LE(8)),
      offset: Number(run.readBigUInt64LE(16)),
    }));
  }

  /** What the ops do, page by page, with what they bring in. */
  get work(): string[] {
    return this.#records('ops', opBytes).flatMap((op) => {
      const stored = storedBy(op);
      if (stored === undefined) return [op.toString('hex')];
      const rest = `${op.toString('hex', 0, 8)} ${op.toString('hex', 32)}`;
      return this.#pages(stored).map(
        (page, i) => `${op.readBigUInt64LE(8) + BigInt(i * this.#pageSize)} ${rest} ${hash(page)}`,
      );
    });
  }

  /** Contents of memfds, deleted files and System V segments. */
  get contents(): string[] {
    return this.#records('data_runs', dataRunBytes).map((run) => {
      const [offset, data, size] = [0, 8, 16].map((at) => Number(run.readBigUInt64LE(at)));
      return `${offset} ${size} ${hash(this.#bytes.subarray(data, (data ?? 0) + (size ?? 0)))}`;
    });
  }

  /** All records but those of places. */
  get others(): Record<string, string> {
    return Object.fromEntries(
      names.filter((name) => !ofPlaces.includes(name)).map((name) => [name, hash(this.#section(name))]),
    );
  }

  /** Places of pages that the app maps, in the order of the ops. */
  get places(): number[] {
    return this.#stored()
      .filter(({ copied }) => !copied)
      .map(({ offset }) => offset);
  }

  /** Places of pages that stand in front of the last one of the working set, and that no launch brings in with it. */
  strangers(together: number): number[] {
    const wanted = new Set<number>();
    const add = (offset: number, size: number): void => {
      for (let done = 0; done < size; done += this.#pageSize) wanted.add(offset + done);
    };
    const runs = this.feedRuns.filter(({ offset }) => offset !== 0);
    const end = Math.max(0, ...runs.map(({ offset, size }) => offset + size));
    for (const { offset, size } of runs) add(offset, size);
    for (const { offset, size, copied } of this.#stored()) if (copied) add(offset, size);
    for (const run of this.#records('data_runs', dataRunBytes))
      add(Number(run.readBigUInt64LE(8)), Number(run.readBigUInt64LE(16)));
    const strangers: number[] = [];
    let last = 0;
    for (const place of [...wanted].sort((a, b) => a - b)) {
      if (place >= end) break;
      const gap = place - last - this.#pageSize;
      if (gap > together) strangers.push(place - gap);
      last = place;
    }
    return strangers;
  }

  #stored(): Stored[] {
    return this.#records('ops', opBytes).flatMap((op) => storedBy(op) ?? []);
  }

  #pages({ offset, size }: Stored): Buffer[] {
    return Array.from({ length: size / this.#pageSize }, (_, i) =>
      this.#bytes.subarray(offset + i * this.#pageSize, offset + (i + 1) * this.#pageSize),
    );
  }

  #section(name: string): Buffer {
    const place = sections(this.#bytes)[names.indexOf(name)];
    if (place === undefined) throw new Error(`an image has no section ${name}`);
    return this.#bytes.subarray(place.start, place.start + place.size);
  }

  #records(name: string, size: number): Buffer[] {
    const table = this.#section(name);
    return Array.from({ length: table.length / size }, (_, i) => table.subarray(i * size, (i + 1) * size));
  }
}

function storedBy(op: Buffer): Stored | undefined {
  const kind = op.readUInt32LE(0);
  if (kind !== read && (kind !== map || op.readUInt16LE(36) !== 0)) return undefined;
  return {
    offset: Number(op.readBigUInt64LE(24)),
    size: Number(op.readBigUInt64LE(16)),
    copied: kind === read,
  };
}
