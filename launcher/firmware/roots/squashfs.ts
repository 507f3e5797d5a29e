// A squashfs image, made again with the compression and block size that it has.
import { closeSync, openSync, readSync } from 'node:fs';

import { runTool } from '../process.js';
import { expectRoot, rewrite } from './rewrite.js';
import type { Root } from './root.js';

/** Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of Linux. */
const COMPRESSIONS = ['', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];
const BLOCK_SIZE_AT = 12;
const COMPRESSION_AT = 20;

export class SquashfsRoot implements Root {
  readonly what: string;
  readonly #compression: string;
  readonly #blockSize: number;

  constructor(readonly path: string) {
    const header = Buffer.alloc(96);
    const file = openSync(path, 'r');
    readSync(file, header, 0, header.length, 0);
    closeSync(file);
    this.#blockSize = header.readUInt32LE(BLOCK_SIZE_AT);
    this.#compression = COMPRESSIONS[header.readUInt16LE(COMPRESSION_AT)] ?? '';
    this.what = `squashfs, ${this.#compression}, blocks of ${this.#blockSize} bytes`;
  }

  expectWritable(output: string | undefined): void {
    expectRoot(output ?? this.path);
  }

  image(): Promise<string> {
    return Promise.resolve(this.path);
  }

  add(additions: string, output: string | undefined): Promise<void> {
    const format = ['-comp', this.#compression, '-b', String(this.#blockSize)];
    return rewrite(
      this.path,
      output,
      additions,
      (tree) => runTool('unsquashfs', ['-quiet', '-no-progress', '-d', tree, this.path]),
      (tree, image) => runTool('mksquashfs', [tree, image, '-no-progress', '-quiet', ...format]),
    );
  }
}
