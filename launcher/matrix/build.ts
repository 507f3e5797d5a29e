// Building the cells of a matrix, several at a time. What is done stays done: a store whose key is there is only linked, so that
// a build that was ended goes on where it was.
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

import { attempt } from '../building/attempt.js';
import { readDefinition } from '../definition/read.js';
import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';
import { buildForTarget } from '../firmware/build.js';
import { storePath } from '../firmware/store.js';
import { packWhole } from '../packing/pack.js';
import { errorReport } from '../report.js';
import { syncFolder } from '../store/replace.js';
import { Store } from '../store/store.js';
import { keyOf } from './key.js';
import type { Cell, Matrix } from './read.js';

export interface MatrixRow {
  readonly name: string;
  /** `kept`: nothing that it is made of has changed. */
  readonly result: 'built' | 'kept' | 'failed';
  readonly ms: number;
  /** The sealed store. */
  readonly output: string;
  readonly size: number;
}

interface Options {
  readonly jobs: number;
  readonly guardsOff: readonly string[];
  readonly interrupt: AbortSignal;
}

/** One row for each cell, in their order. */
export async function buildMatrix(
  matrix: Matrix,
  cells: readonly Cell[],
  options: Options,
): Promise<readonly MatrixRow[]> {
  mkdirSync(join(matrix.output, CACHE), { recursive: true, mode: 0o700 });
  const rows = new Map<string, MatrixRow>();
  const waiting = [...cells];
  const work = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
      options.interrupt.throwIfAborted();
      rows.set(cell.name, await rowOf(matrix, cell, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, cells.length) }, work));
  const done = cells.flatMap(({ name }) => rows.get(name) ?? []);
  if (cells.length === matrix.cells.length && done.every(({ result }) => result !== 'failed'))
    removeUnused(matrix);
  return done;
}

const CACHE = '.cache';

export const outputOf = ({ output, format }: Matrix, { name }: Cell): string =>
  join(output, `${name}.${format.name}`);

async function rowOf(matrix: Matrix, cell: Cell, options: Options): Promise<MatrixRow> {
  const begin = performance.now();
  const output = outputOf(matrix, cell);
  const row = (result: MatrixRow['result']): MatrixRow => ({
    ...{ name: cell.name, result, ms: performance.now() - begin, output },
    size: statSync(output, { throwIfNoEntry: false })?.size ?? 0,
  });
  try {
    const kept = join(matrix.output, CACHE, `${await keyOf(matrix, cell)}.${matrix.format.name}`);
    const isKept = existsSync(kept) && (cell.device !== undefined || isFresh(matrix, cell));
    if (!isKept) await make(matrix, cell, kept, options);
    place(kept, output);
    return row(isKept ? 'kept' : 'built');
  } catch (error) {
    options.interrupt.throwIfAborted();
    const told = error instanceof ThawError ? error : new ThawError(messageOf(error), { cause: error });
    process.stderr.write(errorReport(told));
    return row('failed');
  }
}

/** What a cell of this machine was sealed from; its files change without telling. */
const storeHere = ({ output }: Matrix, { name }: Cell): string => join(output, '.here', name);

function isFresh(matrix: Matrix, cell: Cell): boolean {
  const store = new Store(storeHere(matrix, cell));
  const images = store.names().flatMap((name) => store.allCurrent(name));
  return images.length > 0 && images.every((image) => native.verify(image, { data: false }).ok);
}

async function make(matrix: Matrix, cell: Cell, kept: string, options: Options): Promise<void> {
  const seal = (root: string): Promise<unknown> => packWhole(new Store(root), kept, matrix.format);
  await (cell.device === undefined
    ? makeHere(storeHere(matrix, cell), cell, options).then(seal)
    : makeInRoot(cell, cell.device, seal, options));
}

/** One after the other: apps of two cells would ask for the same ports. */
let here: Promise<unknown> = Promise.resolve();

async function makeHere(root: string, { name, profiles }: Cell, options: Options): Promise<string> {
  const build = async (): Promise<string> => {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const { guardsOff, interrupt } = options;
    for (const path of profiles) {
      const definition = readDefinition(path);
      const title = `${name}: ${definition.name}`;
      const { error } = await attempt(title, () => definition, new Store(root), { guardsOff, interrupt });
      if (error !== undefined) throw new ThawError(`${name} is not built`);
    }
    return root;
  };
  const turn = here.then(build, build);
  here = turn.catch(() => undefined);
  return turn;
}

async function makeInRoot(
  { name, profiles }: Cell,
  { target, cpu, root }: NonNullable<Cell['device']>,
  seal: (root: string) => Promise<unknown>,
  { guardsOff, interrupt }: Options,
): Promise<void> {
  const { path, kernel, modules, memory } = root;
  const rows = await buildForTarget(
    profiles.map((file) => readDefinition(file, true)),
    {
      ...{ cpu: target, root: path, model: cpu, kernel, modules, memory, guardsOff, title: name },
      deliver: async (additions) => {
        await seal(join(additions, storePath()));
      },
    },
    interrupt,
  );
  const failed = rows.filter(({ ok }) => !ok).map((row) => row.name);
  if (failed.length > 0) throw new ThawError(`${name} is not built: ${failed.join(', ')} failed`);
}

/** The same file under the cell's name, in one step. */
function place(kept: string, output: string): void {
  const work = mkdtempSync(`${output}.`);
  try {
    linkSync(kept, join(work, 'store'));
    renameSync(join(work, 'store'), output);
    syncFolder(join(output, '..'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What no cell is any more. */
function removeUnused({ output }: Matrix): void {
  const folder = join(output, CACHE);
  for (const path of readdirSync(folder).map((file) => join(folder, file)))
    if (statSync(path).nlink === 1) rmSync(path, { recursive: true, force: true });
}
