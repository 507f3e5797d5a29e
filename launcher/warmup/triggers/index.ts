// The table of triggers, and what is asked of any of them.
import { setTimeout } from 'node:timers/promises';
import type * as v from 'valibot';

import type { AwaitedCall } from '../../engine/index.js';
import { call } from './call.js';
import { connect } from './connect.js';
import { delay } from './delay.js';
import { file } from './file.js';
import { idle } from './idle.js';
import { log } from './log.js';
import { notify } from './notify.js';
import { open } from './open.js';
import { port } from './port.js';
import { syscall } from './syscall.js';
import type { Prepared, Ready, TriggerContext, TriggerKind } from './trigger.js';

export type { Prepared, Ready, TriggerContext } from './trigger.js';

/** By the key that a profile sets in warmup.until. */
export const triggerKinds = { port, log, notify, idle, delay, file, syscall, open, connect, call };

type Kind = keyof typeof triggerKinds;

/** What a profile's warmup.until says. */
export type Trigger = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly value: v.InferOutput<(typeof triggerKinds)[K]['value']>;
  };
}[Kind];

/** Takes this trigger's value, whose type is lost here. */
function kindOf({ kind }: Trigger): TriggerKind<v.GenericSchema> {
  return triggerKinds[kind];
}

/** With its paths below `folder`. */
export function below(trigger: Trigger, folder: string): Trigger {
  const value = kindOf(trigger).below?.(trigger.value, folder);
  return value === undefined ? trigger : ({ ...trigger, value } as Trigger);
}

/** Whether a profile may have arguments delivered to an app that is warm then. */
export function takesArguments(trigger: Trigger): boolean {
  return kindOf(trigger).takesArguments === true;
}

/** Whether the app is held at the entry of a system call, where nothing of its own can run. */
export function holds(trigger: Trigger): boolean {
  return kindOf(trigger).awaits !== undefined;
}

/** That call; undefined: none. @throws ThawError */
export function awaitedCall(
  trigger: Trigger,
  env: Readonly<Record<string, string>>,
): AwaitedCall | undefined {
  return kindOf(trigger).awaits?.(trigger.value, env);
}

/** @throws ThawError where another process, such as an instance that runs already, would be taken for the app */
export function expectFree(trigger: Trigger): void {
  kindOf(trigger).expectFree?.(trigger.value);
}

/** To be called before the app starts. */
export function prepare(trigger: Trigger): Prepared {
  return kindOf(trigger).prepare?.(trigger.value) ?? { env: {}, close: () => undefined };
}

/** Resolves when the app is warm; rejects when `context.signal` is aborted. */
export function waitFor(trigger: Trigger, context: TriggerContext): Promise<Ready> {
  return kindOf(trigger).wait(trigger.value, context);
}

/** Whether an app with this trigger is a server: it shows that a launched instance is up, and has to stay. */
export function isServer(trigger: Trigger): boolean {
  return kindOf(trigger).isUp !== undefined;
}

/** Looks every `retryMs` whether process `pid`, launched from an image, is up; done at once for what is no server. */
export async function untilUp(
  trigger: Trigger,
  pid: number,
  retryMs: number,
  signal: AbortSignal,
): Promise<void> {
  const kind = kindOf(trigger);
  while (kind.isUp?.(trigger.value, pid) === false) await setTimeout(retryMs, undefined, { signal });
}
