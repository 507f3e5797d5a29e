import { setTimeout } from 'node:timers/promises';

import { ThawError } from '../launcher/errors.js';

/** Only what hangs takes longer, on the slowest machine too. */
const PATIENCE_MS = 300_000;

/** @throws ThawError when it does not come true in time */
export async function until(what: () => boolean, name: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!what()) {
    if (Date.now() > deadline) throw new ThawError(`${name}: not within ${PATIENCE_MS / 1000} s`);
    await setTimeout(20);
  }
}
