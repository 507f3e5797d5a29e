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

const hasSessions = ({ policies }: Definition): boolean => policies.some(({ action }) => action === 'replay');

/** Waits until nothing is under way for a moment. Where something always is, the checkpoint says what. */
export async function atRest(app: App, watch: InputWatch, warmUp: WarmUp): Promise<void> {
  const { definition, progress, interrupt, starts } = warmUp;
  if (!hasSessions(definition)) return;
  const limits = { what: 'sessions', timeoutMs: 2 * PATIENCE_MS, interrupt };
  const restMs = REST_MS * MORE_EACH_START ** (starts - 1);
  await progress.step('sessions', () => app.during((signal) => rest(watch, restMs, signal), limits));
}

async function rest(watch: InputWatch, restMs: number, signal: AbortSignal): Promise<void> {
  const begin = performance.now();
  let since = begin;
  for (let now = begin; now - begin < PATIENCE_MS && now - since < restMs; now = performance.now()) {
    if (!native.sessionsAtRest(watch)) since = now;
    await setTimeout(RETRY_MS, undefined, { signal });
  }
}

/**
 * Between the last look and its stop, the app may have said something more.
 * @throws ThawError by chance: the app, which stands still, will not read the answer
 */
export async function stillAtRest(app: App, watch: InputWatch, warmUp: WarmUp): Promise<void> {
  const { definition, interrupt } = warmUp;
  if (!hasSessions(definition)) return;
  const looked = async (signal: AbortSignal): Promise<boolean> => {
    for (const end = performance.now() + STOPPED_PATIENCE_MS; performance.now() < end;) {
      if (native.sessionsAtRest(watch)) return true;
      await setTimeout(RETRY_MS, undefined, { signal });
    }
    return false;
  };
  const limits = { what: 'sessions', timeoutMs: 2 * PATIENCE_MS, interrupt };
  if (await app.during(looked, limits)) return;
  throw new ThawError('the app was stopped for its checkpoint while something was under way to a server', {
    code: BY_CHANCE,
    remedy: 'lengthen `settle`',
  });
}
