// Where the built things are.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { hostCpu } from '../../../launcher/cpus.js';

/** The project's root: the nearest folder above this module that holds package.json. */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('no package.json above the tests');
    folder = above;
  }
  return folder;
}

export const root = findRoot();
export const cpu = process.env['THAW_TEST_CPU'] ?? hostCpu ?? process.arch;
export const build = join(root, 'build', cpu);
export const apps = join(build, 'apps');
export const thawExec = join(build, 'thaw-exec');
export const cli = process.env['THAW_TEST_CLI'] ?? join(root, 'dist', 'launcher', 'cli.js');
/** Drops files from the page cache. */
export const pageCache = join(build, 'bench', 'page_cache');
export const addon = join(build, 'thaw.node');
export const imageCheck = join(root, 'build', 'asan', 'image-check');
export const wrongWorkingSet = join(root, 'build', 'asan', 'wrong-working-set');

/** A folder for what tests write, on the disk of the build; emptied by nobody but `npm run clean`. */
export function workFolder(name: string): string {
  const folder = join(root, 'build', 'test', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
