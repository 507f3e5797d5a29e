// Damaged copies of an image, judged by image-check: a reader with sanitizers that never crashes or hangs.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { corrupt, type Damage } from './corrupt.js';
import type { Random } from './random.js';

/** A sanitizer's start takes longer than its work on one image. */
const BATCH = 25;
/**
 * How many of a batch are read with the checksum compared. The checksum finds nearly all damage, so all others are read
 * without it: only then are the checks behind it reached.
 */
const WITH_HASH = 3;
const MILLISECONDS = 120_000;

/** The command that image-check is started with. */
export type Reader = readonly [program: string, ...args: readonly string[]];

/** Null when the reader ended as it should (0: all accepted, 1: some rejected), else how it ended and what it said. */
export function read(reader: Reader, files: readonly string[]): Promise<string | null> {
  const [program, ...args] = reader;
  return new Promise((resolve) => {
    const child = spawn(program, [...args, ...files], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: MILLISECONDS,
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(code === 0 || code === 1 ? null : `${signal ?? `exit ${code}`}\n${said}`);
    });
  });
}

/** Has the reader read `count` damaged copies of `image`, which are written to `folder`. @returns what went wrong */
export async function readDamaged(
  reader: Reader,
  image: Buffer,
  random: Random,
  { count, folder }: { readonly count: number; readonly folder: string },
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (let left = count; left > 0; left -= BATCH)
    problems.push(...(await readBatch(reader, batchOf(image, random, Math.min(BATCH, left)), folder)));
  return problems;
}

function batchOf(image: Buffer, random: Random, size: number): readonly Damage[] {
  return Array.from({ length: size }, () => corrupt(image, random));
}

async function readBatch(
  reader: Reader,
  batch: readonly Damage[],
  parent: string,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(parent, 'damaged-'));
  try {
    const files = batch.map(({ bytes }, i) => {
      const file = join(folder, `${i}.thaw`);
      writeFileSync(file, bytes);
      return file;
    });
    const problem = await read(reader, [
      ...files.slice(0, WITH_HASH),
      '--any-hash',
      ...files.slice(WITH_HASH),
    ]);
    // The reader names each file before it reads it: the last one named is the culprit.
    const last = /.*\/(\d+)\.thaw/s.exec(problem ?? '')?.[1];
    return problem === null ? [] : [`${batch[Number(last ?? 0)]?.what ?? ''}\n${problem}`];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
