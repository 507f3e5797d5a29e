/** From values to pixels. Every factor of ten has the same length: what differs a hundred times is legible together. */
export interface Scale {
  readonly at: (value: number) => number;
  /** Values for grid lines. */
  readonly ticks: readonly number[];
}

/** Covers all values, between two places; 0, which has no logarithm, stands with the lowest power of ten. `steps`: where ticks may stand in each power of ten. */
export function logScale(
  values: readonly number[],
  from: number,
  to: number,
  steps: readonly number[] = [1],
): Scale {
  const logarithms = values.filter((value) => value > 0).map((value) => Math.log10(value));
  if (logarithms.length === 0) logarithms.push(0);
  const lowest = Math.floor(Math.min(...logarithms));
  const highest = Math.max(lowest + 1, Math.ceil(Math.max(...logarithms)));
  const powers = Array.from({ length: highest - lowest + 1 }, (_, i) => 10 ** (lowest + i));
  const ticks = powers.flatMap((power) => steps.map((step) => step * power));
  return {
    at: (value) =>
      value > 0 ? from + ((Math.log10(value) - lowest) / (highest - lowest)) * (to - from) : from,
    ticks: ticks.filter((tick) => tick <= 10 ** highest),
  };
}

/** The marks stand at the values themselves. */
export function logScaleAt(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  const span = high === low ? 1 : high - low;
  return { at: (value) => from + ((Math.log(value) - low) / span) * (to - from), ticks: values };
}
