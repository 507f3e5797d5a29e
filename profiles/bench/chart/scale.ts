/** From values to pixels, each tenfold as long as the next: things that differ a hundred times stay legible together. */
export interface Scale {
  readonly at: (value: number) => number;
  /** Values for grid lines. */
  readonly ticks: readonly number[];
}

/** Covers all values (above 0), between two places. `steps`: where ticks may stand in each power of ten. */
export function logScale(
  values: readonly number[],
  from: number,
  to: number,
  steps: readonly number[] = [1],
): Scale {
  const lowest = Math.floor(Math.log10(Math.min(...values)));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(...values))));
  const powers = Array.from({ length: highest - lowest + 1 }, (_, i) => 10 ** (lowest + i));
  const ticks = powers.flatMap((power) => steps.map((step) => step * power));
  return {
    at: (value) => from + ((Math.log10(value) - lowest) / (highest - lowest)) * (to - from),
    ticks: ticks.filter((tick) => tick <= 10 ** highest),
  };
}

/** The marks stand at the values themselves. */
export function logScaleAt(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  const span = high === low ? 1 : high - low;
  return { at: (value) => from + ((Math.log(value) - low) / span) * (to - from), ticks: values };
}
