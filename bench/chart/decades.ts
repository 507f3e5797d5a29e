/** A logarithmic axis: every factor of ten has the same length, so what differs a hundred times is legible together. */
export interface Decades {
  /** Whole powers of ten, from below the values to above them. */
  readonly powers: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** Covers all values. Those of 0, which has no logarithm, are left out. */
export function decades(values: readonly number[]): Decades {
  const logarithms = values.filter((value) => value > 0).map((value) => Math.log10(value));
  if (logarithms.length === 0) logarithms.push(0);
  const lowest = Math.floor(Math.min(...logarithms));
  const highest = Math.max(lowest + 1, Math.ceil(Math.max(...logarithms)));
  const powers = Array.from({ length: highest - lowest + 1 }, (_, i) => 10 ** (lowest + i));
  return { powers, low: 10 ** lowest, high: 10 ** highest };
}
