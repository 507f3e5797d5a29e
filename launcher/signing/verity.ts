// The digest that fs-verity has for a file, computed without the kernel, which need not have it where images are made.
// Documentation/filesystems/fsverity.rst: SHA-256, blocks of 4096 bytes, no salt.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { ThawError, messageOf } from '../errors.js';

const BLOCK = 4096;
const CHUNK = 256 * BLOCK;
const zeros = Buffer.alloc(BLOCK);

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const zeroHash = sha256(zeros);

/** @throws ThawError the storage cannot give all of the file */
export function verityDigest(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    return descriptorDigest(size, rootOf(leaves(file, size)));
  } catch (error) {
    throw new ThawError(`cannot read all of ${path}: ${messageOf(error)}`, {
      remedy: 'look at the storage; make the image again (thaw build) or copy it again',
      cause: error,
    });
  } finally {
    closeSync(file);
  }
}

/** The hashes of all blocks, one after the other. The last block is filled up with zeros. */
function leaves(file: number, size: number): Buffer {
  const hashes = Buffer.alloc(Math.ceil(size / BLOCK) * zeroHash.length);
  const chunk = Buffer.alloc(CHUNK);
  let hashed = 0;
  for (let at = 0; at < size; at += CHUNK) {
    const wanted = Math.min(CHUNK, size - at);
    chunk.fill(0, wanted);
    readFully(file, chunk.subarray(0, wanted), at);
    for (let begin = 0; begin < wanted; begin += BLOCK)
      hashed += blockHash(chunk.subarray(begin, begin + BLOCK)).copy(hashes, hashed);
  }
  return hashes;
}

/** Most blocks of an image are often holes. */
function blockHash(block: Buffer): Buffer {
  return block.equals(zeros) ? zeroHash : sha256(block);
}

/** Each level of the tree holds the hashes of the blocks of the one below it. */
function rootOf(level: Buffer): Buffer {
  if (level.length <= zeroHash.length) return level;
  const above: Buffer[] = [];
  for (let begin = 0; begin < level.length; begin += BLOCK) {
    const block = Buffer.alloc(BLOCK);
    level.copy(block, 0, begin, begin + BLOCK);
    above.push(sha256(block));
  }
  return rootOf(Buffer.concat(above));
}

/** Of struct fsverity_descriptor. */
function descriptorDigest(size: number, root: Buffer): Buffer {
  const descriptor = Buffer.alloc(256);
  descriptor.writeUInt8(1, 0); // version
  descriptor.writeUInt8(1, 1); // SHA-256
  descriptor.writeUInt8(Math.log2(BLOCK), 2);
  descriptor.writeBigUInt64LE(BigInt(size), 8);
  root.copy(descriptor, 16);
  return sha256(descriptor);
}

function readFully(file: number, into: Buffer, at: number): void {
  for (let done = 0; done < into.length;) {
    const got = readSync(file, into, done, into.length - done, at + done);
    if (got === 0) throw new Error('the file became shorter while it was read');
    done += got;
  }
}
