// What a trigger is: something that tells that the app has started, so that it can be exercised.
import type * as v from 'valibot';

import type { AwaitedCall, InputWatch } from '../../engine/index.js';

/** Made before the app starts; closed when it is gone. */
export interface Prepared {
  /** Added to the app's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the app says on a socket that it was told of. */
  readonly message?: Promise<string>;
  /** What an earlier run left behind, which is no sign of this one. */
  readonly stale?: string;
  close(): void;
}

export interface TriggerContext extends Prepared {
  readonly pid: number;
  /** File that holds the app's output. */
  readonly log: string;
  /** Who watches the app; always there for triggers that await a system call. */
  readonly watch?: InputWatch | undefined;
  /** Aborted when waiting is over: the app ended, the time is up, the user interrupted. */
  readonly signal: AbortSignal;
}

/** What the app told along with being warm. */
export interface Ready {
  /** Address of its struct thaw_call, in hexadecimal. */
  readonly callAddress?: string;
}

/** All that thaw has to know of one kind of trigger; S is the schema of VALUE in `until = { KIND = VALUE }`. */
export interface TriggerKind<S extends v.GenericSchema> {
  /** Its description completes "The app is warm when ...". */
  readonly value: S;
  /** The same value with its paths below `folder`, where the app starts; default: it has none. */
  below?(value: v.InferOutput<S>, folder: string): v.InferOutput<S>;
  /** The app asks for its arguments itself: a profile may have them delivered. */
  readonly takesArguments?: true;
  /** Fails where another process would fire the trigger in the app's place; default: none could. @throws ThawError */
  expectFree?(value: v.InferOutput<S>): void;
  /** Makes what the app must find when it starts; default: nothing. */
  prepare?(value: v.InferOutput<S>): Prepared;
  /**
   * The system call at whose entry the app is held, in an environment with these variables; default: it is not held.
   * @throws ThawError
   */
  awaits?(value: v.InferOutput<S>, env: Readonly<Record<string, string>>): AwaitedCall;
  /** Resolves when the app has started; rejects when `context.signal` is aborted. */
  wait(value: v.InferOutput<S>, context: TriggerContext): Promise<Ready>;
  /**
   * Whether process `pid`, launched from an image, is up. Such an app is a server, which has to stay. Default: nothing but
   * the commands that exercise the app can tell.
   */
  isUp?(value: v.InferOutput<S>, pid: number): boolean;
}

/** Has the type of the value found out from its schema. */
export function triggerKind<S extends v.GenericSchema>(kind: TriggerKind<S>): TriggerKind<S> {
  return kind;
}
