// squashfs, by mksquashfs of squashfs-tools. Each block is compressed by itself, so that a changed page changes one block.
import { rmSync, writeFileSync } from 'node:fs';

import { ThawError } from '../../errors.js';
import { runTool } from '../../firmware/process.js';
import type { Format } from './format.js';

/** A sort file's priorities go up to this. */
const FIRST = 32767;

export const squashfs: Format = {
  name: 'squashfs',
  // With smaller blocks there is less to read, but a launch waits for each read.
  choices: [
    { upTo: 100, compression: { algorithm: 'zstd,15', cluster: 128 << 10 } },
    { upTo: Infinity, compression: { algorithm: 'lz4,hc', cluster: 64 << 10 } },
  ],
  make: async ({ tree, output, compression: { algorithm, cluster }, first, time }) => {
    const order = `${output}.order`;
    const strange = first.find((path) => /[\s\\]/.test(path));
    if (strange !== undefined) throw new ThawError(`a sort file cannot name ${strange}`);
    writeFileSync(order, first.map((path, i) => `${path} ${FIRST - i}\n`).join(''));
    try {
      const [name = '', level] = algorithm.split(',');
      const compressed =
        name === 'none'
          ? ['-noI', '-noD', '-noF', '-noX']
          : ['-comp', name, ...(level === undefined ? [] : levelOf(name, level))];
      await runTool('mksquashfs', [
        tree,
        output,
        ...['-quiet', '-no-progress', '-noappend', '-no-xattrs', '-no-fragments', '-sort', order],
        ...['-b', String(cluster), '-all-time', String(time), '-mkfs-time', String(time)],
        ...compressed,
      ]);
    } finally {
      rmSync(order, { force: true });
    }
  },
  unpack: (path, tree) => runTool('unsquashfs', ['-quiet', '-no-progress', '-d', tree, path]),
};

/** lz4 has one better way, and no levels. */
function levelOf(name: string, level: string): string[] {
  return name === 'lz4' ? ['-Xhc'] : ['-Xcompression-level', level];
}
