// Results as tables for people.
import { summary } from '../launcher/statistics.js';
import { table } from '../launcher/columns.js';
import { machineText } from './machine.js';
import type { Results, Series, Unit } from './results.js';
import { speedToReach } from './targets.js';

/** Every series, the speed to reach, and what could not be measured. */
export function present(results: Results): string {
  return [measured(results), targetTable(results), leftOutTable(results), `${machineText(results.machine)}\n`]
    .filter((part) => part !== '')
    .join('\n');
}

export function targetTable(results: Results): string {
  const rows = speedToReach(results);
  if (rows.length === 0) return '';
  return table(
    [
      { title: 'SPEED TO REACH' },
      { title: 'SUBJECT' },
      { title: 'TARGET' },
      { title: 'FIGURE', right: true },
      { title: '' },
    ],
    rows.map((row) => [row.what, row.subject, row.target, row.figure, row.reached ? 'reached' : 'MISSED']),
  );
}

function measured({ series }: Results): string {
  return table(
    [
      { title: 'MEASURE' },
      { title: 'SUBJECT' },
      { title: 'VARIANT' },
      { title: 'AT', right: true },
      { title: 'MEDIAN', right: true },
      { title: 'QUARTILES', right: true },
      { title: 'RUNS', right: true },
    ],
    series.map(seriesRow),
  );
}

function seriesRow({ measure, subject, variant, x, unit, values }: Series): string[] {
  const { median, low, high } = summary(values);
  const quartiles = `${quantity(low, unit)} .. ${quantity(high, unit)}`;
  const at = x === undefined ? '' : String(x);
  return [measure, subject, variant, at, quantity(median, unit), quartiles, String(values.length)];
}

function leftOutTable({ leftOut }: Results): string {
  if (leftOut.length === 0) return '';
  return table(
    [{ title: 'NOT MEASURED' }, { title: 'WHY' }],
    leftOut.map(({ what, why }) => [what, why.replaceAll('\n', ' ')]),
  );
}

/** A measured value with its unit, in as many digits as help. */
export function quantity(value: number, unit: Unit): string {
  if (unit === 'kB') return `${(value / 1000).toFixed(1)} MB`;
  return value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(value >= 10 ? 1 : 2)} ms`;
}

/** How a chart writes the values of a unit. */
export interface Notation {
  /** What the figures of the axis are in. */
  readonly unit: string;
  readonly tick: (value: number) => string;
  /** A value by itself, with its unit. */
  readonly figure: (value: number) => string;
}

export function notation(unit: Unit): Notation {
  const [name, size] = unit === 'kB' ? ['MB', 1000] : [unit, 1];
  return {
    unit: name,
    tick: (value) => (value / size).toLocaleString('en', { maximumFractionDigits: 6 }),
    figure: (value) => quantity(value, unit),
  };
}
