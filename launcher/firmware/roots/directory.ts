// A root that is a folder: what Debian's tools, Yocto and Buildroot have before they make the image.
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ThawError } from '../../errors.js';
import { runTool } from '../process.js';
import type { Root } from './root.js';
import { storePath } from '../store.js';

export class DirectoryRoot implements Root {
  readonly what: string;

  constructor(readonly path: string) {
    this.what = `folder ${path}`;
  }

  expectWritable(output: string | undefined): void {
    if (output !== undefined)
      throw new ThawError(`--output is for images; the store is written into the folder ${this.path}`, {
        remedy: 'leave it out, or give a copy of the folder as --root',
      });
    try {
      accessSync(this.path, constants.W_OK);
    } catch (error) {
      throw new ThawError(`${this.path} cannot be written to`, { cause: error });
    }
  }

  async image(work: string): Promise<string> {
    const image = join(work, 'root.squashfs');
    // As a device has it: of a folder that belongs to the builder, root owns everything.
    const owner = statSync(this.path).uid === 0 ? [] : ['-all-root'];
    await runTool('mksquashfs', [this.path, image, '-comp', 'lz4', '-no-progress', '-quiet', ...owner]);
    return image;
  }

  add(additions: string): Promise<void> {
    return addToFolder(additions, this.path);
  }
}

/** Puts the additions into a root's folder; the old store goes only when the new one is there as a whole. */
export async function addToFolder(additions: string, root: string): Promise<void> {
  const store = join(root, storePath());
  const [aside, old] = [`${store}.new`, `${store}.old`];
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(dirname(store), { recursive: true, mode: 0o755 });
  try {
    await copy(join(additions, storePath()), aside);
    await addThawExec(additions, root);
    rmSync(old, { recursive: true, force: true });
    if (existsSync(store)) renameSync(store, old);
    renameSync(aside, store);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(store) && existsSync(old)) renameSync(old, store);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/** Only a root without one gets it (cross/guest-build). */
async function addThawExec(additions: string, root: string): Promise<void> {
  const path = 'usr/bin/thaw-exec';
  if (!existsSync(join(additions, path))) return;
  mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 });
  await copy(join(additions, path), join(root, path));
}

/** With owners, modes and times, and sparse as it is: Node's own copying writes zeros. */
async function copy(from: string, to: string): Promise<void> {
  await runTool('cp', ['-a', '--sparse=always', from, to]);
}
