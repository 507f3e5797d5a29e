// Time that only goes forward. A device without a clock of its own sets its date when it has found a network, long after the
// daemon has started: what the daemon waits for, and which launches came after its start, does not go by the date.

/** Milliseconds since some moment of this process. */
export function steadyNow(): number {
  return performance.now();
}

/** The date of such a moment, in milliseconds since 1970. */
export function dateOf(steady: number): number {
  return Date.now() + steady - steadyNow();
}
