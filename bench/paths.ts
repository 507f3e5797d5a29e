import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { hostCpu } from '../launcher/cpus.js';

/** The project's folder: the nearest one above this module (source or compiled) that has a package.json. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)));

/** A native program for this machine, of this checkout or another. */
export function nativeProgram(name: string, checkout = root): string {
  return join(checkout, 'build', hostCpu ?? process.arch, name);
}

export const thawExec = nativeProgram('thaw-exec');

/** A program of native/, which measures or is measured. */
export function benchProgram(name: string): string {
  return nativeProgram(join('bench', name));
}

export const firstAnswer = benchProgram('first_answer');

/** @returns the TOML definition of one of the profiles that come with thaw */
export function definitionPath(profile: string): string {
  return join(root, 'profiles', profile, 'profile.toml');
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('no package.json above the profile runner');
  return findRoot(parent);
}
