// Two runs of the bench, before and after a change.
import { summary } from '../launcher/statistics.js';
import { table } from '../launcher/columns.js';
import { quantity } from './present.js';
import { find, keyText, type Results, type Series } from './results.js';

/** A difference counts if the quartiles of both do not overlap, and if it is more than this part. */
const NOTICEABLE = 0.05;

export interface Difference {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** After by before: below 1 is better. */
  readonly ratio: number;
}

/** The differences that are beyond the spread of both runs, the worst first. */
export function differences(before: Results, after: Results): readonly Difference[] {
  return after.series
    .flatMap((one) => {
      const other = find(before, one);
      return other === undefined ? [] : (difference(other, one) ?? []);
    })
    .sort((a, b) => b.ratio - a.ratio);
}

export function regressed(found: readonly Difference[]): boolean {
  return found.some(({ ratio }) => ratio > 1);
}

export function differenceTable(found: readonly Difference[]): string {
  if (found.length === 0) return 'no difference beyond the spread\n';
  return table(
    [
      { title: 'WHAT' },
      { title: 'BEFORE', right: true },
      { title: 'AFTER', right: true },
      { title: 'RATIO', right: true },
      { title: '' },
    ],
    found.map(({ what, before, after, ratio }) => [
      what,
      before,
      after,
      ratio.toFixed(2),
      ratio > 1 ? 'WORSE' : 'better',
    ]),
  );
}

function difference(before: Series, after: Series): Difference | undefined {
  const [a, b] = [summary(before.values), summary(after.values)];
  const ratio = b.median / a.median;
  const overlap = a.low <= b.high && b.low <= a.high;
  if (overlap || Math.abs(ratio - 1) <= NOTICEABLE) return undefined;
  const text = (value: number): string => quantity(value, after.unit);
  return { what: keyText(after), before: text(a.median), after: text(b.median), ratio };
}
