// The table of triggers, and what is asked of any of them.
import { setTimeout } from 'node:timers/promises';
import type * as v from 'valibot';

import { call } from './call.js';
import { delay } from './delay.js';
import { file } from './file.js';
import { idle } from './idle.js';
import { log } from './log.js';
import { notify } from './notify.js';
import { port } from './port.js';
import type { Prepared, Ready, TriggerContext, TriggerKind } from './trigger.js';

export type { Prepared, Ready, TriggerContext } from './trigger.js';

/** By the key that a profile sets in warmup.until. */
export const triggerKinds = { port, log, notify, idle, delay, file, call };

export type Trigger = v.InferOutput<(typeof triggerKinds)[keyof typeof triggerKinds]['schema']>;

function kindOf(trigger: Trigger): TriggerKind<Trigger> {
  const kinds: { readonly [K in Trigger['kind']]: TriggerKind<Extract<Trigger, { kind: K }>> } = triggerKinds;
  return kinds[trigger.kind];
}

/** With its paths below `folder`. */
export function below(trigger: Trigger, folder: string): Trigger {
  return kindOf(trigger).below?.(trigger, folder) ?? trigger;
}

/** Whether a profile may have arguments delivered to an app that is warm then. */
export function takesArguments(trigger: Trigger): boolean {
  return kindOf(trigger).takesArguments === true;
}

/** @throws ThawError where another process, such as an instance that runs already, would be taken for the app */
export function expectFree(trigger: Trigger): void {
  kindOf(trigger).expectFree?.(trigger);
}

/** To be called before the app starts. */
export function prepare(trigger: Trigger): Prepared {
  return kindOf(trigger).prepare?.(trigger) ?? { env: {}, close: () => undefined };
}

/** Resolves when the app is warm; rejects when `context.signal` is aborted. */
export function waitFor(trigger: Trigger, context: TriggerContext): Promise<Ready> {
  return kindOf(trigger).wait(trigger, context);
}

/** Whether an app with this trigger is a server: it shows that a launched instance is up, and has to stay. */
export function isServer(trigger: Trigger): boolean {
  return kindOf(trigger).isUp !== undefined;
}

/** Looks every `retryMs` whether process `pid`, launched from an image, is up; at once true for what is no server. */
export async function untilUp(
  trigger: Trigger,
  pid: number,
  retryMs: number,
  signal: AbortSignal,
): Promise<void> {
  const kind = kindOf(trigger);
  while (kind.isUp?.(trigger, pid) === false) await setTimeout(retryMs, undefined, { signal });
}
