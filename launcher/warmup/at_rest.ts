// Conversations with servers that launches are to have again, before an adapter stops the app: what a server tells it from then on
// it could not read.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import type { Definition } from '../definition/schema.js';
import { type InputWatch, native } from '../engine/index.js';
import { BY_CHANCE, ThawError } from '../errors.js';
import type { WarmUp } from './warm_up.js';

/** A compositor answers what an app has drawn within a few frames. On a slow machine that takes longer: each further start has more. */
const REST_MS = 100;
const MORE_EACH_START = 4;
const RETRY_MS = 10;
const PATIENCE_MS = 10_000;
/** For an answer to what the app has sent in the moment before it was stopped. */
const STOPPED_PATIENCE_MS = 1000;

/** Waits until nothing is under way for a moment. Where something always is, the checkpoint says what. */
export async function atRest(app: App, watch: InputWatch, warmUp: WarmUp): Promise<void> {
  const { definition, progress, starts } = warmUp;
  if (!hasSessions(definition)) return;
  const restMs = REST_MS * MORE_EACH_START ** (starts - 1);
  await progress.step('sessions', () => rests(app, watch, warmUp, restMs, PATIENCE_MS));
}

/**
 * Between the last look and its stop, the app may have said something more.
 * @throws ThawError by chance: the app, which stands still, will not read the answer
 */
export async function stillAtRest(app: App, watch: InputWatch, warmUp: WarmUp): Promise<void> {
  if (!hasSessions(warmUp.definition)) return;
  if (await rests(app, watch, warmUp, 0, STOPPED_PATIENCE_MS)) return;
  throw new ThawError('the app was stopped for its checkpoint while something was under way to a server', {
    code: BY_CHANCE,
    remedy: 'lengthen `settle`',
  });
}

function hasSessions({ policies }: Definition): boolean {
  return policies.some(({ action }) => action === 'replay');
}

/** Whether nothing was under way for `restMs`, before `patienceMs` were over. */
function rests(
  app: App,
  watch: InputWatch,
  { interrupt }: WarmUp,
  restMs: number,
  patienceMs: number,
): Promise<boolean> {
  const look = async (signal: AbortSignal): Promise<boolean> => {
    const begin = performance.now();
    for (let since = begin, now = begin; now - begin < patienceMs; now = performance.now()) {
      if (!native.sessionsAtRest(watch)) since = now;
      else if (now - since >= restMs) return true;
      await setTimeout(RETRY_MS, undefined, { signal });
    }
    return false;
  };
  return app.during(look, { what: 'sessions', timeoutMs: 2 * PATIENCE_MS, interrupt });
}
