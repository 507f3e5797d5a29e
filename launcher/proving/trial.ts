// The trial launch: an image is installed only after its app has come back from it and works.
import { setTimeout } from 'node:timers/promises';

import type { Definition } from '../definition/definition.js';
import { native } from '../native.js';
import { App, type Setting } from '../app/app.js';
import { exerciseUntilGood } from '../app/exercise.js';
import { listens } from '../warmup/triggers/listening.js';

/** It has to live for that long, also when no commands exercise it. */
const ALIVE_MS = 500;
const RETRY_MS = 20;

/** Launches `image` and proves that the app works. @throws ThawError */
export async function trial(
  definition: Definition,
  image: string,
  setting: Setting,
  log: string,
  interrupt: AbortSignal,
): Promise<void> {
  const thawExec = native.thawExec();
  const command = [definition.program, ...definition.args];
  const app = new App([thawExec, '--image', image, '--no-fallback', '--', ...command], setting, log);
  try {
    const { run, until } = definition.warmup;
    // A program that does its work and ends well, as a command does, has proved itself; a server has not.
    const done = run.length === 0 && until.kind !== 'port' && (await endsWell(app));
    if (done) return;
    await app.during((signal) => prove(definition, app.pid, setting, signal), {
      what: 'trial launch',
      timeoutMs: definition.warmup.timeoutMs,
      interrupt,
      remedy: "the restored app does not pass the profile's warmup.run, or does not listen on its port",
    });
  } finally {
    await app.end();
  }
}

async function endsWell(app: App): Promise<boolean> {
  const ended = app.exit.then(({ code }) => code === 0);
  return Promise.race([ended, setTimeout(ALIVE_MS, false)]);
}

async function prove(
  { warmup }: Definition,
  pid: number,
  setting: Setting,
  signal: AbortSignal,
): Promise<void> {
  // Both: a command may succeed before the app has even begun.
  await Promise.all([
    setTimeout(ALIVE_MS, undefined, { signal }),
    exerciseUntilGood(warmup.run, setting, signal),
  ]);
  const { until } = warmup;
  while (until.kind === 'port' && !listens(until.port, pid))
    await setTimeout(RETRY_MS, undefined, { signal });
}
