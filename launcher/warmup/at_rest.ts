// Conversations with servers that launches are to have again, before an adapter stops the app: what a server tells it from then on
// it could not read.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { type InputWatch, native } from '../engine/index.js';
import type { WarmUp } from './warm_up.js';

/** A compositor answers what an app has drawn within a few frames. */
const REST_MS = 100;
const RETRY_MS = 10;
const PATIENCE_MS = 10_000;

/** Waits until nothing is under way for a moment. Where something always is, the checkpoint says what. */
export async function atRest(app: App, watch: InputWatch, warmUp: WarmUp): Promise<void> {
  const { definition, progress, interrupt } = warmUp;
  if (!definition.policies.some(({ action }) => action === 'replay')) return;
  const limits = { what: 'sessions', timeoutMs: 2 * PATIENCE_MS, interrupt };
  await progress.step('sessions', () => app.during((signal) => rest(watch, signal), limits));
}

async function rest(watch: InputWatch, signal: AbortSignal): Promise<void> {
  const begin = performance.now();
  let since = begin;
  for (let now = begin; now - begin < PATIENCE_MS && now - since < REST_MS; now = performance.now()) {
    if (!native.sessionsAtRest(watch)) since = now;
    await setTimeout(RETRY_MS, undefined, { signal });
  }
}
