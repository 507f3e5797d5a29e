// Putting files and links in the place of others: by one rename, on the disk when it is done, and following no link.
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { type Readers, shareFile } from './readers.js';

export function replaceFile(path: string, text: string, readers: Readers | undefined): void {
  const aside = asideOf(path);
  const file = openSync(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    shareFile(aside, readers);
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  moveTo(aside, path);
}

export function replaceLink(path: string, target: string): void {
  const aside = asideOf(path);
  symlinkSync(target, aside);
  moveTo(aside, path);
}

export function moveTo(from: string, path: string): void {
  renameSync(from, path);
  syncFolder(dirname(path));
}

/** A whole file, which is on the disk before it has its name. */
export function putInPlace(aside: string, path: string): void {
  const file = openSync(aside, constants.O_RDONLY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  moveTo(aside, path);
}

/** The names in it survive a power cut as well. */
export function syncFolder(folder: string): void {
  const file = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What a killed build left there is its only rival. */
function asideOf(path: string): string {
  const aside = `${path}.${process.pid}`;
  rmSync(aside, { force: true });
  return aside;
}
