// The end of the wait for a system call: whoever watches the app has seen it.
import { setTimeout } from 'node:timers/promises';

import { native } from '../../engine/index.js';
import type { Ready, TriggerContext } from './trigger.js';

const pauseMs = 5;

/** Resolves when the app stands at the call. */
export async function reached({ watch, signal }: TriggerContext): Promise<Ready> {
  while (watch !== undefined && !native.callReached(watch)) await setTimeout(pauseMs, undefined, { signal });
  return {};
}
