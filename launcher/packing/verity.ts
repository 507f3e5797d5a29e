// dm-verity: a tree of hashes behind the file system, in the same file. The kernel compares each block with it as it is read,
// and the root of the tree, which the device must get by a way that it trusts, stands for all of it.
import { statSync } from 'node:fs';

import { ThawError } from '../errors.js';
import { runTool } from '../firmware/process.js';

export interface Verity {
  readonly rootHash: string;
  /** Where the tree begins, in bytes. */
  readonly hashOffset: number;
}

/** Adds the tree to the file. The same content has the same root: without salt, and with a given UUID. */
export async function addVerity(path: string, uuid: string): Promise<Verity> {
  const hashOffset = statSync(path).size;
  const said = await runTool('veritysetup', [
    'format',
    '--salt=-',
    `--uuid=${uuid}`,
    `--data-blocks=${hashOffset / 4096}`,
    `--hash-offset=${hashOffset}`,
    path,
    path,
  ]);
  const rootHash = /^Root hash:\s+([0-9a-f]+)$/m.exec(said)?.[1];
  if (rootHash === undefined) throw new ThawError('veritysetup does not tell the root hash');
  return { rootHash, hashOffset };
}
