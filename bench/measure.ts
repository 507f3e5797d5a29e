import type { Recorder } from './results.js';
import type { Subject } from './subjects.js';
import type { Thaw } from './thaw.js';

/** What all measures work with. */
export interface Bench {
  readonly thaw: Thaw;
  /** For what a measure makes: removed at the end. */
  readonly work: string;
  /** For pictures that a measure makes itself. */
  readonly charts: string;
  readonly subjects: readonly Subject[];
  /** Profiles with a window. */
  readonly windows: readonly string[];
  /** How many times each thing is measured, in turn with what it is compared with. */
  readonly rounds: number;
  readonly quick: boolean;
  readonly recorder: Recorder;
  say(text: string): void;
}

export interface Measure {
  readonly name: string;
  readonly summary: string;
  /** It brings its own apps, and needs no image of a subject. */
  readonly ownApps?: true;
  run(bench: Bench): Promise<void>;
}

/**
 * Things that are compared are done in turn, each a little later than the other, so that whatever else the machine does falls on all: beginning with
 * another one each round, and backwards every second time, so that none always finds the caches as the same other one left them.
 */
export async function inTurn(
  rounds: number,
  actions: readonly ((round: number) => Promise<void>)[],
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const step = round % 2 === 0 ? -1 : 1;
    for (let i = 0; i < actions.length; i++) await actions.at((round + step * i) % actions.length)?.(round);
  }
}
