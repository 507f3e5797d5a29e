// An ext2, ext3 or ext4 image: the store is written into a copy with debugfs, so that all else, free space and identity too,
// stays as it is; no mount, no privilege.
import {
  copyFileSync,
  constants,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';

import { ThawError } from '../errors.js';
import { size } from '../units.js';
import { runTool } from './process.js';
import type { Root } from './root.js';
import { STORE, diskUsage } from './store.js';

export class Ext4Root implements Root {
  readonly what = 'ext4';

  constructor(readonly path: string) {}

  expectWritable(): void {
    // A copy of the image beside it: nothing is needed but room.
  }

  image(): Promise<string> {
    return Promise.resolve(this.path);
  }

  async add(additions: string, output: string | undefined): Promise<void> {
    const aside = `${output ?? this.path}.${process.pid}.new`;
    try {
      copyFileSync(this.path, aside, constants.COPYFILE_FICLONE);
      const old = await removal(aside, `/${STORE}`);
      await debugfs(aside, [...old, ...parents(), ...additionsOf(additions, '')]);
      await expectAll(aside, additions);
      await runTool('e2fsck', ['-fn', aside]);
      renameSync(aside, output ?? this.path);
    } finally {
      rmSync(aside, { force: true });
    }
  }
}

/** debugfs goes on after an error and ends well: what is there afterwards decides (expectAll). */
async function debugfs(image: string, commands: readonly string[]): Promise<void> {
  await runTool('debugfs', ['-w', '-f', '-', image], `${commands.join('\n')}\n`);
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** A line of `ls -p` is "/inode/mode/uid/gid/name/size/" (debugfs(8)); undefined: there is no such folder. */
async function entries(image: string, folder: string): Promise<Entry[] | undefined> {
  const lines = (await runTool('debugfs', ['-R', `ls -p "${folder}"`, image])).split('\n');
  const fields = lines.map((line) => line.split('/')).filter((parts) => parts.length >= 8);
  if (fields.length === 0) return undefined;
  return fields
    .map(([, , mode = '', , , name = '']) => ({ name, isFolder: mode.startsWith('04') }))
    .filter(({ name }) => name !== '.' && name !== '..' && name !== '');
}

/** Commands that remove a folder with all that is in it; none where it is not there. */
async function removal(image: string, folder: string): Promise<string[]> {
  const found = await entries(image, folder);
  if (found === undefined) return [];
  const commands: string[] = [];
  for (const { name, isFolder } of found) {
    const path = posix.join(folder, name);
    commands.push(...(isFolder ? await removal(image, path) : [`rm "${path}"`]));
  }
  return [...commands, `rmdir "${folder}"`];
}

/** Folders that the root may lack; those that are there stay as they are, as debugfs refuses to make them again. */
function parents(): string[] {
  return ['/var', '/var/lib', '/usr', '/usr/bin'].map((folder) => `mkdir ${folder}`);
}

function additionsOf(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    const [from, to] = [join(root, path), `"/${path}"`];
    const owned = [`set_inode_field ${to} uid 0`, `set_inode_field ${to} gid 0`];
    if (entry.isDirectory()) {
      const made = path.startsWith(STORE)
        ? [`mkdir ${to}`, ...owned, `set_inode_field ${to} mode 040755`]
        : [];
      return [...made, ...additionsOf(root, path)];
    }
    if (entry.isSymbolicLink()) return [`symlink ${to} "${readlinkSync(from)}"`, ...owned];
    const mode = (lstatSync(from).mode & 0o7777).toString(8).padStart(4, '0');
    return [`rm ${to}`, `write "${from}" ${to}`, ...owned, `set_inode_field ${to} mode 010${mode}`];
  });
}

/** Reads the store back: where there is no room, debugfs writes files of the right size without their content. */
async function expectAll(image: string, additions: string): Promise<void> {
  const work = mkdtempSync(join(dirname(image), '.thaw-root-'));
  try {
    await runTool('debugfs', ['-R', `rdump /${STORE} ${work}`, image]);
    await runTool('diff', [
      '-r',
      '--no-dereference',
      join(additions, STORE),
      join(work, posix.basename(STORE)),
    ]);
  } catch (error) {
    throw new ThawError('the image has no room for the store, or it cannot be written', {
      remedy: `it needs ${size(diskUsage(additions))} more: enlarge it with resize2fs`,
      cause: error,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
