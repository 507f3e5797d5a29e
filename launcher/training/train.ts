// The training launch: what the app touches until it has answered becomes the image's working set.
import { setTimeout } from 'node:timers/promises';

import type { Definition } from '../definition/definition.js';
import { type FaultRecorder, native } from '../native.js';
import { App, type Setting } from '../app/app.js';
import { exerciseUntilGood } from '../app/exercise.js';
import { listens } from '../warmup/triggers/listening.js';

/** For an app that no command exercises: what it does in this time is its launch. */
const LAUNCH_MS = 200;
const RETRY_MS = 1;

/** Launches `image`, which is not installed yet, and records its working set there. @throws ThawError */
export async function train(
  definition: Definition,
  image: string,
  setting: Setting,
  log: string,
  interrupt: AbortSignal,
): Promise<void> {
  // Pages that were fed or read ahead would look touched.
  const recorded = { ...setting, env: { ...setting.env, THAW_FEED: 'record' } };
  const command = [definition.program, ...definition.args];
  const faults = native.faultRecorder();
  const app = new App(
    [native.thawExec(), '--image', image, '--no-fallback', '--', ...command],
    recorded,
    log,
    faults,
  );
  try {
    if (!(await alive(app, definition))) return; // A command that was done at once: nothing to learn.
    await app.during((signal) => answer(definition, app.pid, setting, signal), {
      what: 'train',
      timeoutMs: definition.warmup.timeoutMs,
      interrupt,
      remedy: "the restored app does not pass the profile's train.run, or does not listen on its port",
    });
    // Its port is open again before its threads run.
    if (onlyListens(definition) && !(await staysAlive(app))) return;
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
  return run.length > 0 || until.kind === 'port' || staysAlive(app);
}

function onlyListens({ train: { run }, warmup: { until } }: Definition): boolean {
  return run.length === 0 && until.kind === 'port';
}

async function staysAlive(app: App): Promise<boolean> {
  return Promise.race([app.exit.then(() => false), setTimeout(LAUNCH_MS, true)]);
}

/** Waits until process `pid` has given what a launch is for: it listens on its port, and the commands of train.run succeed. */
export async function answer(
  { train: { run }, warmup: { until } }: Definition,
  pid: number,
  setting: Setting,
  signal: AbortSignal,
): Promise<void> {
  while (until.kind === 'port' && !listens(until.port, pid))
    await setTimeout(RETRY_MS, undefined, { signal });
  await exerciseUntilGood(run, setting, signal);
}
