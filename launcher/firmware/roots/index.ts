// The table of the kinds of root file systems.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import { ThawError, messageOf } from '../../errors.js';
import { DirectoryRoot } from './directory.js';
import { ErofsRoot } from './erofs.js';
import { Ext4Root } from './ext4.js';
import type { Root } from './root.js';
import { SquashfsRoot } from './squashfs.js';

export type { Root } from './root.js';

interface Kind {
  readonly name: string;
  /** Bytes that such an image has at `offset`. */
  readonly magic: readonly number[];
  readonly offset: number;
  readonly open: (path: string) => Root;
}

const KINDS: readonly Kind[] = [
  { name: 'squashfs', magic: [0x68, 0x73, 0x71, 0x73], offset: 0, open: (path) => new SquashfsRoot(path) },
  { name: 'erofs', magic: [0xe2, 0xe1, 0xf5, 0xe0], offset: 1024, open: (path) => new ErofsRoot(path) },
  { name: 'ext4', magic: [0x53, 0xef], offset: 1024 + 0x38, open: (path) => new Ext4Root(path) },
];

/** The root at a path: a folder or an image. @throws ThawError when there is nothing that can be a root */
export function openRoot(given: string): Root {
  const path = resolve(given);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw new ThawError(`there is no root ${path}`);
  if (status.isDirectory()) return new DirectoryRoot(path);
  const kind = kindOf(path);
  if (kind !== undefined) return kind.open(path);
  throw new ThawError(`${path} is no root file system that thaw knows`, {
    remedy: `accepted: a folder, or an image of ${KINDS.map(({ name }) => name).join(', ')}`,
  });
}

/** What the file at `path` is an image of, by its first bytes. */
export function kindOf(path: string): Kind | undefined {
  return KINDS.find(({ magic, offset }) => hasBytes(path, magic, offset));
}

function hasBytes(path: string, bytes: readonly number[], offset: number): boolean {
  const found = Buffer.alloc(bytes.length);
  try {
    const file = openSync(path, 'r');
    try {
      return (
        readSync(file, found, 0, bytes.length, offset) === bytes.length && found.equals(Buffer.from(bytes))
      );
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new ThawError(`cannot read ${path}: ${messageOf(error)}`);
  }
}
