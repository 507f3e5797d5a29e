// The training launch: what the app touches until it has answered becomes the image's working set.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { type ImageLaunch, launch } from '../app/launch.js';
import type { Definition } from '../definition/schema.js';
import { type FaultRecorder, native } from '../engine/index.js';
import { isServer } from '../warmup/triggers/index.js';
import { answer } from './answer.js';

/** For an app that no command exercises: what it does in this time is its launch. */
const LAUNCH_MS = 200;

/** Launches the image and records its working set there. @throws ThawError */
export async function train(training: ImageLaunch): Promise<void> {
  const { definition, image, setting, interrupt } = training;
  const faults = native.faultRecorder();
  // Pages that were fed or read ahead would look touched.
  const app = launch(training, { THAW_FEED: 'record' }, faults);
  try {
    if (!(await alive(app, definition))) return; // A command that was done at once: nothing to learn.
    await app.during((signal) => answer(definition, app.pid, setting, signal), {
      what: 'train',
      timeoutMs: definition.warmup.timeoutMs,
      interrupt,
      remedy: "the restored app does not pass the profile's train.run, or does not listen on its port",
    });
    // A server is up before its threads run.
    if (onlyServes(definition) && !(await staysAlive(app))) return;
    await record(app, image, faults);
  } finally {
    await app.end();
  }
}

/** An app that ends meanwhile is for the trial launch to tell. */
async function record(app: App, image: string, faults: FaultRecorder): Promise<void> {
  try {
    native.train(image, app.pid, faults);
  } catch (error) {
    if (await staysAlive(app)) throw error;
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
