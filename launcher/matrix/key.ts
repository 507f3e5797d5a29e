// What a cell's store is made of, as one name: as long as that is the same, it need not be made again.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { hostCpu } from '../cpus.js';
import { native, projectFolder } from '../engine/index.js';
import { digestOfFile } from '../registry/sealed.js';
import type { Cell, Matrix } from './read.js';

/** The programs that make and launch images, the profiles, and the device's root and kernel. */
export async function keyOf({ format }: Matrix, { model, profiles, device }: Cell): Promise<string> {
  const cpu = device?.target ?? hostCpu ?? '';
  const engine = ['thaw.node', 'thaw-exec'].map((file) => join(projectFolder, 'build', cpu, file));
  const { root } = device ?? {};
  const places = [...engine, root?.path, root?.kernel, root?.modules].filter((path) => path !== undefined);
  const parts = [
    ...[native.version, format.name, cpu, model, device?.cpu ?? '', root?.memory ?? ''],
    ...profiles.map((path) => readFileSync(path, 'utf8')),
    ...(await Promise.all(places.map(contentOf))),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Of a folder, names, modes, sizes and times: what packing and make go by. */
async function contentOf(path: string): Promise<string> {
  if (!existsSync(path)) return '';
  if (!lstatSync(path).isDirectory()) return digestOfFile(path);
  const hash = createHash('sha256');
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(path, name);
    const status = lstatSync(file);
    const { mode, mtimeMs } = status;
    const link = status.isSymbolicLink() ? readlinkSync(file) : '';
    hash.update(JSON.stringify([name, mode, status.isDirectory() ? 0 : status.size, mtimeMs, link]));
  }
  return hash.digest('hex');
}
