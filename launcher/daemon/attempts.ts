// When a profile may be built again, by what its history says: each further build within a day waits twice as long. That is
// the back-off of builds that fail, and what keeps an app from being built all day that changes its own inputs, or whose new
// images are set aside as well. The history outlives a restart of the daemon, and of the device.
import type { BuildEntry, FailureEntry, HistoryEntry } from '../store/history.js';

const DAY_MS = 86_400_000;

export interface Attempt {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly failed: boolean;
  /** Bytes. */
  readonly wrote: number;
  /** What went wrong; '': nothing. */
  readonly error: string;
}

/** The oldest first. */
export function attemptsOf(history: readonly HistoryEntry[]): Attempt[] {
  return history.flatMap((entry) => {
    if (entry.kind === 'starts') return [];
    const failed = entry.kind === 'failure';
    return [{ at: entry.at, failed, wrote: wroteIn(entry), error: failed ? entry.error : '' }];
  });
}

function wroteIn(entry: BuildEntry | FailureEntry): number {
  return entry.kind === 'build' ? (entry.wrote ?? entry.onDisk) : entry.onDisk;
}

/** Those of the last day. A clock that was set back leaves some in the future, which say nothing. */
export function ofToday(attempts: readonly Attempt[], now: number): Attempt[] {
  return attempts.filter(({ at }) => at <= now && now - at < DAY_MS);
}

/** How many have failed since one went well. */
export function failuresInRow(attempts: readonly Attempt[]): number {
  const newestFirst = [...attempts].reverse();
  const good = newestFirst.findIndex(({ failed }) => !failed);
  return good < 0 ? attempts.length : good;
}

/** From when on the next one may be made, in milliseconds since 1970. `retryMs`: after the first. */
export function nextAttempt(attempts: readonly Attempt[], now: number, retryMs: number): number {
  const today = ofToday(attempts, now);
  const last = today.at(-1);
  if (last === undefined) return now;
  return last.at + Math.min(DAY_MS, retryMs * 2 ** (today.length - 1));
}

export function writtenToday(attempts: readonly Attempt[], now: number): number {
  return ofToday(attempts, now).reduce((sum, { wrote }) => sum + wrote, 0);
}
