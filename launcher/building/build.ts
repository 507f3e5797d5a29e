// From a definition to an installed image: warm up, checkpoint, train, prove, install. Until the last step the old image
// stays what it was.
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { callersOwnGroup } from '../app/account.js';
import { explained } from '../app/output.js';
import { settingOf } from '../app/setting.js';
import type { Definition } from '../definition/schema.js';
import { type CheckpointReport, native } from '../engine/index.js';
import type { Progress } from '../progress.js';
import { asidePath, expectNotIndexed, install, removeLeftovers } from '../store/install.js';
import { readersOf, shareFile, shareImage } from '../store/readers.js';
import { pidWarnings } from '../store/pids.js';
import type { Store } from '../store/store.js';
import { checkpointWarm } from '../warmup/checkpoint.js';
import { changedByTrial, inputWarnings, rootWarnings } from './input_warnings.js';
import { qualify } from './qualify.js';

export interface Built {
  readonly name: string;
  readonly image: string;
  readonly id: string;
  readonly onDisk: number;
  readonly report: CheckpointReport;
}

export interface BuildOptions {
  /** Guards of restored memory to leave out. */
  readonly guardsOff: readonly string[];
  readonly progress: Progress;
  readonly interrupt: AbortSignal;
}

/** @throws ThawError saying what held it up, with the last lines of the app's output */
export async function build(
  definition: Definition,
  store: Store,
  { guardsOff, progress, interrupt }: BuildOptions,
): Promise<Built> {
  const { name } = definition;
  const image = asidePath(store, name);
  // What the app at work writes to.
  let log = join(store.folder(name), 'warmup.log');
  native.checkKernel();
  expectNotIndexed(store, definition);
  try {
    const setting = await settingOf(definition);
    const readers = await readersOf(setting.account);
    store.make(name, readers, await callersOwnGroup());
    removeLeftovers(store, name);
    rmSync(log, { force: true });
    const warmUp = { definition, setting, log, progress, interrupt };
    const report = await checkpointWarm(warmUp, image, guardsOff);
    shareImage(image, readers);
    const made = native.show(image);
    for (const warning of [
      ...pidWarnings(name, made.processes),
      ...inputWarnings(made),
      ...rootWarnings(definition, made),
    ])
      progress.warn(warning);
    log = join(store.folder(name), 'trial.log');
    await qualify({ definition, image, setting, log, interrupt }, progress);
    for (const warning of changedByTrial(image)) progress.warn(warning);
    for (const file of ['warmup.log', 'trial.log']) shareFile(join(store.folder(name), file), readers);
    const installed = await progress.step('install', () => install(store, definition, image, readers));
    const { header, sizes } = native.show(installed);
    return { name, image: installed, id: header.id, onDisk: sizes.onDisk, report };
  } catch (error) {
    throw explained(name, log, error);
  } finally {
    rmSync(image, { force: true });
  }
}
