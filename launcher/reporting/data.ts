// What the charts of a report show: plain data, which the page carries as JSON (launcher/reporting/browser/).
import type { Phases } from '../phases.js';

/** What becomes of a page of the app's memory, from cold to hot. */
export const STATES = ['empty', 'file', 'stored', 'read', 'written'] as const;
export type State = (typeof STATES)[number];

/** A mapping of the app. */
export interface Region {
  /** In hexadecimal. */
  readonly start: string;
  readonly bytes: number;
  readonly prot: string;
  readonly name: string;
  /** From its start to its end: the state, and how many bytes have it. */
  readonly runs: readonly (readonly [State, number])[];
}

export interface Measured {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds of each start. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  /** Microseconds, of one launch each. */
  readonly phases: readonly Phases[];
}

export interface Built {
  readonly at: number;
  readonly onDisk: number;
  readonly workingSet: number;
}

export interface ChartData {
  readonly regions: readonly Region[];
  readonly pageSize: number;
  /** The oldest first. */
  readonly measured: readonly Measured[];
  readonly built: readonly Built[];
}
