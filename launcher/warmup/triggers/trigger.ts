// What a trigger is: something that tells that the app is warm.
import type { Trigger } from '../../definition/definition.js';

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
  /** Aborted when waiting is over: the app ended, the time is up, the user interrupted. */
  readonly signal: AbortSignal;
}

/** What the app told along with being warm. */
export interface Ready {
  /** Address of its struct thaw_call, in hexadecimal. */
  readonly callAddress?: string;
}

export interface Waiter<K extends Trigger['kind']> {
  /** Makes what the app must find when it starts; default: nothing. */
  prepare?(trigger: Extract<Trigger, { kind: K }>): Prepared;
  wait(trigger: Extract<Trigger, { kind: K }>, context: TriggerContext): Promise<Ready>;
}
