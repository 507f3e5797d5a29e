// Read-only images cannot be added to: they are unpacked, added to, and packed again aside.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ThawError } from '../../errors.js';
import { addToFolder } from './directory.js';

/** Owners and devices can be unpacked by root alone, or by what passes for root (fakeroot, pseudo). */
export function expectRoot(path: string): void {
  if (process.geteuid?.() === 0) return;
  throw new ThawError(`making ${path} again needs root: it holds files of other owners`, {
    remedy: 'run this as root or under fakeroot, or give the folder that the image is made of as --root',
  });
}

/** Writes `path`, or `output`, anew with the additions: `unpack` fills a folder, `pack` makes an image of it. */
export async function rewrite(
  path: string,
  output: string | undefined,
  additions: string,
  unpack: (tree: string) => Promise<unknown>,
  pack: (tree: string, image: string) => Promise<unknown>,
): Promise<void> {
  const target = output ?? path;
  // Beside the result: that disk has room for it, and a rename is one step there.
  const work = mkdtempSync(join(dirname(target), '.thaw-root-'));
  try {
    const [tree, image] = [join(work, 'tree'), join(work, 'image')];
    await unpack(tree);
    await addToFolder(additions, tree);
    await pack(tree, image);
    renameSync(image, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
