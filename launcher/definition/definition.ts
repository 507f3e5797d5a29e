// A profile's definition, checked and complete. Durations in milliseconds.
import type { Trigger } from '../warmup/triggers/index.js';

export interface Warmup {
  readonly until: Trigger;
  /** Shell commands that exercise the app, in order; each must succeed. */
  readonly run: readonly string[];
  readonly settleMs: number;
  readonly timeoutMs: number;
}

export interface Train {
  /** Shell commands that a launch answers: what the app touches until then is its working set. */
  readonly run: readonly string[];
}

export interface Launch {
  /** exact: other arguments mean a cold start; deliver: the app asks for them (native/include/thaw.h). */
  readonly args: 'exact' | 'deliver';
  /** Descriptors beyond 0, 1 and 2 that the app takes from its caller. */
  readonly inherit: readonly number[];
}

export const policyTypes = [
  'file',
  'directory',
  'fifo',
  'socket',
  'pipe',
  'device',
  'mapping',
  'inotify',
  'descriptor',
] as const;
export const policyActions = ['error', 'reopen', 'close', 'ignore', 'append', 'reconnect'] as const;

export interface Policy {
  readonly type?: string;
  readonly path?: string;
  readonly action: string;
}

export interface Definition {
  readonly name: string;
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly user?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly warmup: Warmup;
  readonly train: Train;
  readonly launch: Launch;
  readonly policies: readonly Policy[];
  /** The TOML file that it was read from. */
  readonly file: string;
}
