// A new working set for an installed image, whose app has got other habits than at its build. The image that launches use
// stays what it was until the new one has proved itself.
import { execa } from 'execa';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { explained } from '../app/output.js';
import { settingOf } from '../app/setting.js';
import { ThawError, messageOf } from '../errors.js';
import { type Image, native } from '../engine/index.js';
import type { Progress } from '../progress.js';
import { imagePaths } from '../store/image.js';
import { asidePath, replaceImage } from '../store/install.js';
import { readersOf, shareImage } from '../store/readers.js';
import type { Store } from '../store/store.js';
import { expectFree } from '../warmup/triggers/index.js';
import { qualify } from './qualify.js';

/** Trains the installed images of profile `name` again. @throws ThawError */
export async function retrain(
  store: Store,
  name: string,
  progress: Progress,
  interrupt: AbortSignal,
): Promise<Image[]> {
  const trained: Image[] = [];
  for (const installed of imagePaths(store, name))
    trained.push(await retrainImage(store, name, installed, { progress, interrupt }));
  return trained;
}

async function retrainImage(
  store: Store,
  name: string,
  installed: string,
  { progress, interrupt }: { readonly progress: Progress; readonly interrupt: AbortSignal },
): Promise<Image> {
  const definition = store.definition(name);
  const aside = asidePath(store, name);
  const log = join(store.folder(name), 'trial.log');
  rmSync(log, { force: true });
  try {
    expectFree(definition.warmup.until);
    const setting = await settingOf(definition);
    await progress.step('copy', () => copySparse(installed, aside));
    shareImage(aside, await readersOf(setting.account));
    await qualify({ definition, image: aside, setting, log, interrupt }, progress);
    return native.show(replaceImage(store, name, aside));
  } catch (error) {
    throw explained(name, log, error);
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Images have holes, which Node's own copy would fill. What is not on the disk yet cannot leave the page cache, and pages in there are mapped
 * along with their neighbours: training would take those for touched.
 */
async function copySparse(from: string, to: string): Promise<void> {
  try {
    await execa('cp', ['--', from, to], { cleanup: false });
    const copy = await open(to);
    await copy.sync();
    await copy.close();
  } catch (error) {
    throw new ThawError(`cannot copy the image: ${messageOf(error)}`, {
      remedy: 'training needs room for one more image in the store',
      cause: error,
    });
  }
}
