// What many measurements of one thing come to.

export interface Summary {
  readonly median: number;
  /** The quartiles: half of the values lie between them. */
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError for no values */
export function summary(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** The middle value, or the mean of the two in the middle. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the given part of all lies; between two values, in proportion. @throws RangeError for no values */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const lower = sorted[Math.floor(place)];
  const upper = sorted[Math.ceil(place)];
  if (lower === undefined || upper === undefined) throw new RangeError('statistics of no values');
  return lower + (upper - lower) * (place - Math.floor(place));
}
