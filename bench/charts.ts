// One picture for each measure.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { median, summary } from '../launcher/statistics.js';
import { barChart, type Group } from './chart/bars.js';
import { lineChart, type Line } from './chart/lines.js';
import { notation } from './present.js';
import type { Results, Series } from './results.js';

interface Chart {
  readonly measure: string;
  readonly title: string;
  /** What x is; of measures without one, nothing. */
  readonly x?: string;
  /** What x counts, where each is a group of bars. */
  readonly each?: string;
}

const charts: readonly Chart[] = [
  { measure: 'first-answer', title: 'First answer, image in the page cache' },
  {
    measure: 'first-second',
    title: 'CPU time until the first answer, in the second after it, and in a later one',
  },
  { measure: 'resume', title: 'Resume and its phases, against as many system calls' },
  { measure: 'fallback', title: 'A program that does nothing' },
  { measure: 'dropped', title: 'First answer, page cache dropped' },
  {
    measure: 'storage',
    title: 'First answer, page cache dropped, slow storage',
    x: 'MB/s that the storage gives',
  },
  {
    measure: 'sealed',
    title: 'First answer from sealed stores, page cache dropped',
    each: 'MB/s',
  },
  { measure: 'image-size', title: 'Launches of images of many sizes', x: 'MB of heap' },
  { measure: 'tree', title: 'Launches of apps of many processes', x: 'processes' },
  { measure: 'windows', title: 'First picture of a window, as the compositor sees it' },
  { measure: 'instances', title: 'Memory of many instances (PSS)', x: 'instances' },
];

/** Writes a chart of each measure in the results into the folder. @returns their paths */
export function writeCharts(results: Results, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return charts.flatMap((chart) => {
    const series = results.series.filter(({ measure }) => measure === chart.measure);
    if (series.length === 0) return [];
    const path = join(folder, `${chart.measure}.svg`);
    writeFileSync(path, draw(chart, series));
    return [path];
  });
}

/** The chart of the series of one measure. */
export function draw({ title, x, each }: Chart, series: readonly Series[]): string {
  const written = notation(series[0]?.unit ?? 'ms');
  return x === undefined
    ? barChart(title, groups(series, each), written)
    : lineChart(title, x, lines(series), written);
}

function groups(series: readonly Series[], each: string | undefined): Group[] {
  const titleOf = ({ subject, x }: Series): string =>
    each === undefined ? subject : `${subject}, ${x === undefined ? 'not limited' : `${x} ${each}`}`;
  return unique(series.map(titleOf)).map((title) => ({
    title,
    bars: series
      .filter((one) => titleOf(one) === title)
      .map(({ variant, values }) => {
        const { median, low, high } = summary(values);
        return { label: variant, value: median, low, high };
      })
      .sort((a, b) => a.label.localeCompare(b.label)),
  }));
}

/** A colour for each subject, dashes for each of its further variants; or, with one subject, a colour for each variant. */
function lines(series: readonly Series[]): Line[] {
  const subjects = unique(series.map(({ subject }) => subject));
  const variants = unique(series.map(({ variant }) => variant));
  return subjects.flatMap((subject, s) =>
    variants.flatMap((variant, v) => {
      const own = series.filter((one) => one.subject === subject && one.variant === variant);
      const points = own
        .flatMap(({ x, values }) => (x === undefined ? [] : [{ x, y: median(values) }]))
        .sort((a, b) => a.x - b.x);
      if (points.length === 0) return [];
      const alone = subjects.length === 1;
      return [
        {
          label: alone ? variant : `${subject}, ${variant}`,
          color: alone ? v : s,
          dashes: alone ? 0 : v,
          points,
        },
      ];
    }),
  );
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
