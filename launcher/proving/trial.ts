// The trial launch: an image is installed only after its app has come back from it and works.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { exerciseUntilGood } from '../app/exercise.js';
import { type ImageLaunch, launch } from '../app/launch.js';
import { logOf, msSince } from '../log.js';
import { isServer, untilUp } from '../warmup/triggers/index.js';

/** It has to live for that long, also when no commands exercise it. */
const ALIVE_MS = 500;
const RETRY_MS = 20;

const provingLog = logOf('proving');

/** Launches the image and proves that its app works. @throws ThawError */
export async function trial(proof: ImageLaunch): Promise<void> {
  const { run, until, timeoutMs } = proof.definition.warmup;
  const begin = performance.now();
  const app = launch(proof);
  try {
    // A program that does its work and ends well, as a command does, has proved itself; a server has not.
    const done = run.length === 0 && !isServer(until) && (await endsWell(app));
    if (!done)
      await app.during((signal) => prove(proof, app.pid, signal), {
        what: 'trial launch',
        timeoutMs,
        interrupt: proof.interrupt,
        remedy: "the restored app does not pass the profile's warmup.run, or does not listen on its port",
      });
    provingLog.info({ pid: app.pid, image: proof.image, ms: msSince(begin) }, 'proved');
  } finally {
    await app.end();
  }
}

async function endsWell(app: App): Promise<boolean> {
  const ended = app.exit.then(({ code }) => code === 0);
  return Promise.race([ended, setTimeout(ALIVE_MS, false)]);
}

async function prove({ definition, setting }: ImageLaunch, pid: number, signal: AbortSignal): Promise<void> {
  const { run, until } = definition.warmup;
  // Both: a command may succeed before the app has even begun.
  await Promise.all([setTimeout(ALIVE_MS, undefined, { signal }), exerciseUntilGood(run, setting, signal)]);
  await untilUp(until, pid, RETRY_MS, signal);
}
