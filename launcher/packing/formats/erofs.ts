// erofs, by mkfs.erofs of erofs-utils. Files stand in the order of their folders and names.
import { runTool } from '../../firmware/process.js';
import type { Format } from './format.js';

export const erofs: Format = {
  name: 'erofs',
  // Larger clusters make it a tenth smaller and need fewer reads, but launches read up to twice as much.
  choices: [
    { upTo: 100, compression: { algorithm: 'lz4hc,9', cluster: 4 << 10 } },
    { upTo: Infinity, compression: { algorithm: 'lz4hc,9', cluster: 16 << 10 } },
  ],
  make: async ({ tree, output, compression: { algorithm, cluster }, time, uuid }) => {
    const compressed = algorithm === 'none' ? [] : [`-z${algorithm}`, `-C${cluster}`];
    await runTool('mkfs.erofs', ['--quiet', ...compressed, `-T${time}`, `-U${uuid}`, '-x-1', output, tree]);
  },
  unpack: (path, tree) => runTool('fsck.erofs', [`--extract=${tree}`, path]),
};
