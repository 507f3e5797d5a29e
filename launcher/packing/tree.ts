// The folder that a sealed store is made of: the selected files as they are, with their owners, modes and holes. They are
// linked where that can be, so that nothing is copied.
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { ThawError, messageOf } from '../errors.js';
import { runTool } from '../firmware/process.js';

/** Fills the new folder `tree` with `paths` of `root`. */
export async function makeTree(root: string, paths: readonly string[], tree: string): Promise<void> {
  const folders = new Set(['']);
  for (const path of paths)
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  for (const folder of [...folders].sort()) makeFolder(join(root, folder), join(tree, folder));
  for (const path of paths) await put(join(root, path), join(tree, path));
}

function makeFolder(from: string, to: string): void {
  const { mode, uid, gid } = lstatSync(from);
  mkdirSync(to, { recursive: true, mode: 0o700 });
  keepOwner(to, () => {
    chownSync(to, uid, gid);
  });
  chmodSync(to, mode & 0o7777);
}

async function put(from: string, to: string): Promise<void> {
  const status = lstatSync(from);
  if (status.isSymbolicLink()) {
    const { uid, gid } = status;
    symlinkSync(readlinkSync(from), to);
    keepOwner(to, () => {
      lchownSync(to, uid, gid);
    });
    return;
  }
  try {
    linkSync(from, to);
  } catch {
    // On another file system, or of another owner. Not fs.copyFile: an image is mostly holes.
    await runTool('cp', ['--archive', '--sparse=always', '--reflink=auto', from, to]);
  }
}

/** Only root can give files away; what another packs is that user's own already. */
function keepOwner(path: string, change: () => void): void {
  const before = lstatSync(path);
  try {
    change();
  } catch (error) {
    const owned = before.uid === process.geteuid?.();
    if (!owned) throw new ThawError(`cannot keep the owner of ${path}: ${messageOf(error)}`);
  }
}
