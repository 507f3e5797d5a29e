// From the start of an app to the moment when it is warm.
import { setTimeout } from 'node:timers/promises';

import { App, type Limits } from '../app/app.js';
import { exercise } from '../app/exercise.js';
import type { Setting } from '../app/setting.js';
import type { Definition } from '../definition/schema.js';
import type { Progress } from '../progress.js';
import { type Ready, expectFree, prepare, waitFor } from './triggers/index.js';

export interface WarmUp {
  readonly definition: Definition;
  readonly setting: Setting;
  /** File for what the app writes. */
  readonly log: string;
  readonly progress: Progress;
  readonly interrupt: AbortSignal;
}

/**
 * Starts the app, warms it up, and does `work` while it is warm. The app is gone afterwards, whatever happened.
 * @throws ThawError saying what held it up
 */
export async function whenWarm<T>(
  { definition, setting, log, progress, interrupt }: WarmUp,
  work: (app: App, ready: Ready) => Promise<T>,
): Promise<T> {
  const { until, run, settleMs, timeoutMs } = definition.warmup;
  const limit = (what: string, remedy: string): Limits => ({ what, timeoutMs, interrupt, remedy });
  expectFree(until);
  const prepared = prepare(until);
  const warm = { ...setting, env: { ...setting.env, ...prepared.env }, freshClocks: true };
  const app = new App([definition.program, ...definition.args], warm, log);
  try {
    const ready = await progress.step('start', () =>
      app.during(
        (signal) => waitFor(until, { ...prepared, pid: app.pid, log, signal }),
        limit('start', 'see warmup.until and warmup.timeout in the profile'),
      ),
    );
    if (run.length > 0)
      await progress.step('exercise', () =>
        app.during(
          (signal) => exercise(run, setting, signal),
          limit('exercise', 'see warmup.run and warmup.timeout in the profile'),
        ),
      );
    await progress.step('settle', () =>
      app.during((signal) => setTimeout(settleMs, undefined, { signal }), {
        ...limit('settle', ''),
        timeoutMs: settleMs + timeoutMs,
      }),
    );
    return await work(app, ready);
  } finally {
    await app.end();
    prepared.close();
  }
}
