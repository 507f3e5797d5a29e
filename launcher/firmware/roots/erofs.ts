// An erofs image, made again with the compression that it has.
import { runTool } from '../process.js';
import { expectRoot, rewrite } from './rewrite.js';
import type { Root } from './root.js';

export class ErofsRoot implements Root {
  readonly what = 'erofs';

  constructor(readonly path: string) {}

  expectWritable(output: string | undefined): void {
    expectRoot(output ?? this.path);
  }

  image(): Promise<string> {
    return Promise.resolve(this.path);
  }

  async add(additions: string, output: string | undefined): Promise<void> {
    const features = await runTool('dump.erofs', ['-s', this.path]);
    const uuid = /UUID:\s+([0-9a-f-]{36})/.exec(features)?.[1];
    const compressed = /\b(lz4_0padding|0padding|compr_cfgs)\b/.test(features);
    const format = [...(compressed ? ['-zlz4hc'] : []), ...(uuid === undefined ? [] : ['-U', uuid])];
    await rewrite(
      this.path,
      output,
      additions,
      (tree) => runTool('fsck.erofs', [`--extract=${tree}`, '--preserve', this.path]),
      (tree, image) => runTool('mkfs.erofs', ['--quiet', ...format, image, tree]),
    );
  }
}
