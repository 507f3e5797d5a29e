// The table of triggers.
import type { Trigger } from '../../definition/definition.js';
import { call } from './call.js';
import { delay } from './delay.js';
import { file } from './file.js';
import { idle } from './idle.js';
import { log } from './log.js';
import { notify } from './notify.js';
import { port } from './port.js';
import type { Prepared, Ready, TriggerContext, Waiter } from './trigger.js';

export type { Prepared, Ready, TriggerContext } from './trigger.js';

const waiters: { readonly [K in Trigger['kind']]: Waiter<K> } = {
  port,
  log,
  notify,
  idle,
  delay,
  file,
  call,
};

/** To be called before the app starts. */
export function prepare(trigger: Trigger): Prepared {
  const waiter = waiters[trigger.kind] as Waiter<typeof trigger.kind>;
  return waiter.prepare?.(trigger) ?? { env: {}, close: () => undefined };
}

/** Resolves when the app is warm; rejects when `context.signal` is aborted. */
export function waitFor(trigger: Trigger, context: TriggerContext): Promise<Ready> {
  const waiter = waiters[trigger.kind] as Waiter<typeof trigger.kind>;
  return waiter.wait(trigger, context);
}
