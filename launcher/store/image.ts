// Images as commands name them: by the profile, or by a file.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

import { ThawError } from '../errors.js';
import type { Store } from './store.js';

/** The paths of the images that `operand` names: with a slash or .thaw a file, else a profile's. */
export function imagePaths(store: Store, operand: string): string[] {
  const [first, ...others] = isFile(operand) ? [] : store.allCurrent(operand);
  return [imagePath(store, operand), ...(first === undefined ? [] : others)];
}

/** The first of them. */
export function imagePath(store: Store, operand: string): string {
  const path = isFile(operand) ? operand : profileImage(store, operand);
  if (existsSync(path)) return path;
  throw new ThawError(`there is no image ${path}`);
}

function isFile(operand: string): boolean {
  return operand.includes('/') || operand.endsWith('.thaw');
}

function profileImage(store: Store, name: string): string {
  store.expect(name);
  const path = store.current(name);
  if (existsSync(path)) return path;
  throw new ThawError(`the profile ${name} has no ${basename(path)}`, { remedy: 'build it again' });
}
