// The training launch: what the app touches until it has answered becomes the image's working set.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { type ImageLaunch, launch, launchOver, processOf } from '../app/launch.js';
import type { Definition } from '../definition/schema.js';
import { type FaultRecorder, type PageOrder, type WorkingSet, native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import { isServer } from '../warmup/triggers/index.js';
import { answer } from './answer.js';

/** For an app that no command exercises: what it does in this time is its launch. */
const LAUNCH_MS = 200;

const trainingLog = logOf('training');

/** Launches the image and records its working set there. @throws ThawError */
export async function train(training: ImageLaunch): Promise<PageOrder> {
  const { image } = training;
  const faults = native.faultRecorder();
  const begin = performance.now();
  // Pages that were fed or read ahead would look touched.
  const app = launch(training, { THAW_FEED: 'record' }, faults);
  const set = await touched(app, training, faults).finally(() => app.end());
  if (set === undefined) return 'kept';
  const order = native.setWorkingSet(image, set); // Until it had ended, a slow one of several processes may not have been restored.
  trainingLog.info({ pid: app.pid, image, order, ms: msSince(begin) }, 'trained');
  return order;
}

async function touched(
  app: App,
  training: ImageLaunch,
  faults: FaultRecorder,
): Promise<WorkingSet | undefined> {
  const { definition, image, setting, interrupt } = training;
  if (!(await alive(app, training))) return undefined; // A command that was done at once: nothing to learn.
  await app.during((signal) => answer(definition, app.pid, setting, signal), {
    what: 'train',
    timeoutMs: definition.warmup.timeoutMs,
    interrupt,
    remedy: "the restored app does not pass the profile's train.run, or does not listen on its port",
  });
  // A server is up before its threads run.
  if (onlyServes(definition) && !(await staysAlive(app))) return undefined;
  const pid = processOf(image, app.pid);
  if (pid === undefined) return undefined;
  try {
    return native.workingSet(image, pid, faults);
  } catch (error) {
    if (await staysAlive(app)) throw error;
    return undefined; // That it has ended meanwhile is for the trial launch to tell.
  }
}

/** Servers and apps that commands exercise are awaited; another one may end well by itself. */
async function alive(app: App, training: ImageLaunch): Promise<boolean> {
  const { train, warmup } = training.definition;
  if (train.run.length > 0 || isServer(warmup.until)) return true;
  await launchOver(training, app);
  return staysAlive(app);
}

function onlyServes({ train: { run }, warmup: { until } }: Definition): boolean {
  return run.length === 0 && isServer(until);
}

async function staysAlive(app: App): Promise<boolean> {
  return Promise.race([app.exit.then(() => false), setTimeout(LAUNCH_MS, true)]);
}
