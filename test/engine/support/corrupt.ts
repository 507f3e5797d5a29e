// Random damage to an image's header and metadata. The places are those of native/image/format.h.
import { type Random } from './random.js';

const header = {
  sectionCount: 20,
  fileSize: 24,
  metadataOffset: 32,
  metadataSize: 40,
  sections: 96,
  section: 24,
};

/** Values that bounds checks get wrong when they are wrong. */
const extremes = [
  0n,
  1n,
  7n,
  0x7fn,
  0xffn,
  0x1000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xfffffffffffff000n,
  0xffffffffffffffffn,
];

export interface Damage {
  readonly bytes: Buffer;
  readonly what: string;
}

interface Place {
  readonly start: number;
  readonly size: number;
}

/** Where the tables lie, in the order of THAW_SECTIONS. */
export function sections(image: Buffer): Place[] {
  const base = Number(image.readBigUInt64LE(header.metadataOffset));
  const count = image.readUInt32LE(header.sectionCount);
  return Array.from({ length: count }, (_, i) => {
    const at = header.sections + i * header.section;
    const recordSize = image.readUInt32LE(at + 4);
    return {
      start: base + Number(image.readBigUInt64LE(at + 8)),
      size: recordSize * Number(image.readBigUInt64LE(at + 16)),
    };
  });
}

/** Somewhere that a reader looks: the header, or a section, each as likely as the others, be it ever so short. */
function place(image: Buffer, random: Random): number {
  const filled = sections(image).filter(({ size }) => size > 0);
  const { start, size } =
    random.next() < 0.2
      ? { start: 0, size: header.sections + header.section * filled.length }
      : random.pick(filled);
  return start + random.below(size);
}

type Kind = (image: Buffer, random: Random) => Damage;

const kinds: readonly Kind[] = [
  function flip(image, random) {
    const count = 1 + random.below(8);
    const places = Array.from({ length: count }, () => place(image, random));
    for (const at of places) {
      image[at] = (image[at] ?? 0) ^ (1 << random.below(8));
    }
    return { bytes: image, what: `${count} bits` };
  },
  function extreme(image, random) {
    const at = place(image, random) & ~3;
    const value = random.pick(extremes);
    const wide = random.next() < 0.5 && at + 8 <= image.length;
    if (wide) image.writeBigUInt64LE(value, at & ~7);
    else image.writeUInt32LE(Number(value & 0xffffffffn), at);
    return { bytes: image, what: `${wide ? 8 : 4} bytes at ${at} = ${value}` };
  },
  function noise(image, random) {
    const at = place(image, random);
    const length = Math.min(1 + random.below(200), image.length - at);
    for (let i = 0; i < length; i++) image[at + i] = random.below(256);
    return { bytes: image, what: `${length} random bytes at ${at}` };
  },
  function copied(image, random) {
    const from = place(image, random);
    const to = place(image, random);
    const length = Math.min(8 * (1 + random.below(40)), image.length - Math.max(from, to));
    image.copyWithin(to, from, from + length);
    return { bytes: image, what: `${length} bytes of ${from} to ${to}` };
  },
  function swapped(image, random) {
    const count = image.readUInt32LE(header.sectionCount);
    const [a, b] = [random.below(count), random.below(count)].map(
      (i) => header.sections + i * header.section,
    ) as [number, number];
    // Half of them keep their ids, so that a reader sees the right name on the wrong table.
    const skip = random.next() < 0.5 ? 0 : 8;
    const kept = Buffer.from(image.subarray(a + skip, a + header.section));
    image.copyWithin(a + skip, b + skip, b + header.section);
    kept.copy(image, b + skip);
    return { bytes: image, what: `section headers at ${a} and ${b} swapped` };
  },
  function cut(image, random) {
    const metadata = Number(image.readBigUInt64LE(header.metadataOffset));
    const length =
      random.next() < 0.3 ? random.below(metadata) : metadata + random.below(image.length - metadata);
    return { bytes: image.subarray(0, length), what: `cut to ${length} bytes` };
  },
  function cutAndSaid(image, random) {
    const metadata = Number(image.readBigUInt64LE(header.metadataOffset));
    const length = metadata + random.below(image.length - metadata);
    image.writeBigUInt64LE(BigInt(length), header.fileSize);
    image.writeBigUInt64LE(BigInt(length - metadata), header.metadataSize);
    return { bytes: image.subarray(0, length), what: `cut to ${length} bytes, and the header says so` };
  },
];

/** A damaged copy of `image`. */
export function corrupt(image: Buffer, random: Random): Damage {
  const kind = random.pick(kinds);
  const damage = kind(Buffer.from(image), random);
  return { ...damage, what: `${kind.name}: ${damage.what}` };
}
