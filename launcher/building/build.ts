// From a definition to an installed image: warm up, checkpoint, train, prove, install. Until the last step the old image
// stays what it was.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { callersOwnGroup } from '../app/account.js';
import { explained } from '../app/output.js';
import { type Setting, settingOf } from '../app/setting.js';
import type { Definition } from '../definition/schema.js';
import { BY_CHANCE, ThawError, messageOf } from '../errors.js';
import { type CheckpointReport, native } from '../engine/index.js';
import type { Progress } from '../progress.js';
import { recordBuild, recordFailure } from '../store/history.js';
import { asidePath, expectNotIndexed, install, removeLeftovers } from '../store/install.js';
import { type Readers, readersOf, shareFile, shareImage } from '../store/readers.js';
import { pidWarnings } from '../store/pids.js';
import type { Store } from '../store/store.js';
import { checkpointWarm } from '../warmup/checkpoint.js';
import { changedByTrial, inputWarnings, readWarnings, rootWarnings } from './input_warnings.js';
import { limitMemory } from './memory_limit.js';
import { qualify } from './qualify.js';

const MOST_STARTS = 4;

export interface Built {
  readonly name: string;
  /** The first one, as are `id` and `report`. */
  readonly image: string;
  readonly id: string;
  /** Of all images. */
  readonly images: readonly string[];
  readonly onDisk: number;
  readonly report: CheckpointReport;
}

export interface BuildOptions {
  /** Guards of restored memory to leave out. */
  readonly guardsOff: readonly string[];
  readonly progress: Progress;
  readonly interrupt: AbortSignal;
  /** Bytes that the app may take meanwhile; undefined: as it likes. */
  readonly mostMemory?: number | undefined;
}

/** @throws ThawError saying what held it up, with the last lines of the app's output */
export async function build(
  definition: Definition,
  store: Store,
  { guardsOff, progress, interrupt, mostMemory }: BuildOptions,
): Promise<Built> {
  const { name } = definition;
  const asides = Array.from({ length: definition.images }, (_, number) => asidePath(store, name, number));
  // What the app at work writes to.
  let log = join(store.folder(name), 'warmup.log');
  const writesTo = (file: string): string => (log = join(store.folder(name), file));
  native.checkKernel();
  expectNotIndexed(store, definition);
  const limit = limitMemory(mostMemory);
  const stop = AbortSignal.any([interrupt, limit.signal]);
  try {
    const setting = await settingOf(definition);
    const readers = await readersOf(setting.account);
    store.make(name, readers, await callersOwnGroup());
    removeLeftovers(store, name);
    const making = { definition, setting, readers, writesTo, guardsOff, progress, interrupt: stop };
    const all: MadeImage[] = [];
    for (const image of asides) all.push(await makeImage(image, making));
    expectDifferent(asides, progress);
    const installed = await progress.step('install', () => install(store, definition, asides, readers));
    const made = installed.map((path) => native.show(path));
    const [report, first] = [all[0]?.report, made[0]];
    if (report === undefined || first === undefined) throw new RangeError('a profile has an image');
    const wrote = all.reduce((sum, image) => sum + image.wrote, 0);
    recordBuild(store, name, first, { steps: progress.times, wrote }, readers);
    const onDisk = made.reduce((sum, { sizes }) => sum + sizes.onDisk, 0);
    return { name, image: installed[0] ?? '', id: first.header.id, images: installed, onDisk, report };
  } catch (error) {
    // Who stops a build does not make it a bad one.
    if (!interrupt.aborted) recordFailure(store, name, messageOf(error), onDiskOf(asides));
    throw explained(name, log, error);
  } finally {
    limit.end();
    for (const image of asides) rmSync(image, { force: true });
  }
}

/** Bytes of those that are there. */
function onDiskOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);
}

interface Making extends Omit<BuildOptions, 'mostMemory'> {
  readonly definition: Definition;
  readonly setting: Setting;
  readonly readers: Readers | undefined;
  /** Names the file that the app at work writes to from now on, and returns its path. */
  readonly writesTo: (file: string) => string;
}

interface MadeImage {
  readonly report: CheckpointReport;
  /** Bytes, all that were written for it. */
  readonly wrote: number;
}

/** Warms the app up and writes its image, which is then ready to be installed. */
async function makeImage(
  image: string,
  { definition, setting, readers, writesTo, guardsOff, progress, interrupt }: Making,
): Promise<MadeImage> {
  const warmUpLog = writesTo('warmup.log');
  const warmUp = { definition, setting, log: warmUpLog, progress, interrupt };
  const report = await unlessByChance(progress, (starts) => {
    rmSync(warmUpLog, { force: true });
    return checkpointWarm({ ...warmUp, starts }, image, guardsOff);
  });
  shareImage(image, readers);
  const made = native.show(image);
  for (const warning of [
    ...pidWarnings(definition.name, made.processes),
    ...inputWarnings(made),
    ...readWarnings(made),
    ...rootWarnings(definition, made),
  ])
    progress.warn(warning);
  const trialLog = writesTo('trial.log');
  const anew = await qualify({ definition, image, setting, log: trialLog, interrupt }, progress);
  for (const warning of changedByTrial(image)) progress.warn(warning);
  for (const log of [warmUpLog, trialLog]) shareFile(log, readers);
  return { report, wrote: (anew ? 2 : 1) * onDiskOf([image]) };
}

/** @param work is told how many starts it is in */
async function unlessByChance<T>(progress: Progress, work: (starts: number) => Promise<T>): Promise<T> {
  for (let starts = 1; ; starts++)
    try {
      return await work(starts);
    } catch (error) {
      if (starts === MOST_STARTS || !(error instanceof ThawError) || error.code !== BY_CHANCE) throw error;
      progress.warn(`${error.message}: once more`);
    }
}

/** Several images are of use only where the kernel lays each start out anew. */
function expectDifferent(images: readonly string[], progress: Progress): void {
  if (images.length < 2) return;
  const layouts = images.map((image) =>
    native
      .show(image)
      .processes.flatMap(({ mappings }) => mappings.map(({ start }) => start))
      .join(' '),
  );
  if (new Set(layouts).size < images.length)
    progress.warn(
      'images have the same addresses: the kernel does not choose them by chance\n    sysctl kernel.randomize_va_space=2',
    );
}
