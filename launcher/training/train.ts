// The training launch: what the app touches until it has answered becomes the image's working set.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { type ImageLaunch, launch, processOf } from '../app/launch.js';
import type { Definition } from '../definition/schema.js';
import { type FaultRecorder, type WorkingSet, native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import { isServer } from '../warmup/triggers/index.js';
import { answer } from './answer.js';

/** For an app that no command exercises: what it does in this time is its launch. */
const LAUNCH_MS = 200;

const trainingLog = logOf('training');

/** Launches the image and records its working set there. False: it does not stand first, for want of room. @throws ThawError */
export async function train(training: ImageLaunch): Promise<boolean> {
  const { image } = training;
  const faults = native.faultRecorder();
  const begin = performance.now();
  // Pages that were fed or read ahead would look touched.
  const app = launch(training, { THAW_FEED: 'record' }, faults);
  const set = await touched(app, training, faults).finally(() => app.end());
  if (set === undefined) return true;
  const first = native.setWorkingSet(image, set); // Until it had ended, a slow one of several processes may not have been restored.
  trainingLog.info({ pid: app.pid, image, first, ms: msSince(begin) }, 'trained');
  return first;
}

async function touched(
  app: App,
  { definition, image, setting, interrupt }: ImageLaunch,
  faults: FaultRecorder,
): Promise<WorkingSet | undefined> {
  if (!(await alive(app, definition))) return undefined; // A command that was done at once: nothing to learn.
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
async function alive(app: App, { train: { run }, warmup: { until } }: Definition): Promise<boolean> {
  return run.length > 0 || isServer(until) || staysAlive(app);
}

function onlyServes({ train: { run }, warmup: { until } }: Definition): boolean {
  return run.length === 0 && isServer(until);
}

async function staysAlive(app: App): Promise<boolean> {
  return Promise.race([app.exit.then(() => false), setTimeout(LAUNCH_MS, true)]);
}
