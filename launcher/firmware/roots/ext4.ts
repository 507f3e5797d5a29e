// An ext2, ext3 or ext4 image: the store is written into a copy with debugfs, so that all else, free space and identity too,
// stays as it is; no mount, no privilege.
import {
  type Stats,
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

import { ThawError } from '../../errors.js';
import { size } from '../../units.js';
import { runTool } from '../process.js';
import type { Root } from './root.js';
import { diskUsage, storePath } from '../store.js';

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
      const old = await removal(aside, `/${storePath()}`);
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
    const status = lstatSync(from);
    const { uid, gid } = ownerOf(status);
    const owned = [`set_inode_field ${to} uid ${uid}`, `set_inode_field ${to} gid ${gid}`];
    const mode = (status.mode & 0o7777).toString(8).padStart(4, '0');
    if (entry.isDirectory()) {
      const made = path.startsWith(storePath())
        ? [`mkdir ${to}`, ...owned, `set_inode_field ${to} mode 04${mode}`]
        : [];
      return [...made, ...additionsOf(root, path)];
    }
    if (entry.isSymbolicLink()) return [`symlink ${to} "${readlinkSync(from)}"`, ...owned];
    return [`rm ${to}`, `write "${from}" ${to}`, ...owned, `set_inode_field ${to} mode 010${mode}`];
  });
}

/** Only root gets what the guest made with its owners; from others, root owns everything. */
function ownerOf({ uid, gid }: Stats): Pick<Stats, 'uid' | 'gid'> {
  return process.geteuid?.() === 0 ? { uid, gid } : { uid: 0, gid: 0 };
}

/** Reads the store back: where there is no room, debugfs writes files of the right size without their content. */
async function expectAll(image: string, additions: string): Promise<void> {
  const work = mkdtempSync(join(dirname(image), '.thaw-root-'));
  try {
    await runTool('debugfs', ['-R', `rdump /${storePath()} ${work}`, image]);
    await runTool('diff', [
      '-r',
      '--no-dereference',
      join(additions, storePath()),
      join(work, posix.basename(storePath())),
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
