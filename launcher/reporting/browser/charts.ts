// Cold against warm, the phases of a launch, and the history.
import * as Plot from '@observablehq/plot';

import { PHASES, type Phase } from '../../phases.js';
import { median } from '../../statistics.js';
import type { ChartData } from '../data.js';

type Drawn = ReturnType<typeof Plot.plot> | undefined;

const TEXT = { fill: 'var(--ink)', fontWeight: 500 } as const;

function ms(value: number): string {
  return `${value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString('en')} ms`;
}

/** Bars to scale, with each run as a dot. */
export function starts({ measured }: ChartData, width: number): Drawn {
  const last = measured.at(-1);
  if (last === undefined) return undefined;
  const medians = [
    { what: 'cold', value: median(last.cold) },
    { what: 'warm', value: median(last.warm) },
  ];
  const runs = [
    ...last.cold.map((value) => ({ what: 'cold', value })),
    ...last.warm.map((value) => ({ what: 'warm', value })),
  ];
  return Plot.plot({
    width,
    height: 132,
    marginLeft: 48,
    marginRight: 80,
    marginTop: 4,
    marginBottom: 34,
    x: { label: 'ms', grid: true, nice: true, ticks: Math.max(3, Math.floor(width / 120)), insetLeft: 0 },
    y: { label: null, domain: ['cold', 'warm'], tickSize: 0, padding: 0.3 },
    color: { domain: ['cold', 'warm'], range: ['var(--cold)', 'var(--warm)'] },
    marks: [
      Plot.barX(medians, { x: 'value', y: 'what', fill: 'what' }),
      Plot.dot(runs, {
        x: 'value',
        y: 'what',
        r: 2.5,
        fill: 'var(--bg)',
        stroke: 'var(--ink)',
        strokeOpacity: 0.7,
      }),
      Plot.text(
        medians.map((one) => ({
          ...one,
          end: Math.max(...runs.filter(({ what }) => what === one.what).map(({ value }) => value)),
        })),
        {
          x: 'end',
          y: 'what',
          text: ({ value }: { value: number }) => ms(value),
          dx: 10,
          textAnchor: 'start',
          ...TEXT,
        },
      ),
    ],
  });
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  open: 'open the image, check it, open files and descriptors',
  unmap: "release thaw-exec's own memory",
  map: "map the app's memory",
  threads: 'make its threads',
  feed: 'feed the working set',
  commit: 'timers, signals, identity; every thread runs again',
};

/** Room for the times, in a column. */
const MARGIN = 120;

/** One after the other, as they come. */
export function phases({ measured }: ChartData, width: number): Drawn {
  const traced = [...measured].reverse().find((one) => one.phases.length > 0);
  if (traced === undefined) return undefined;
  let end = 0;
  const rows = PHASES.map((phase) => {
    const start = end;
    const time = median(traced.phases.map((one) => one[phase]));
    end += time;
    return { phase, start, end, time };
  });
  const share = (time: number): string => {
    const percent = Math.round((100 * time) / end);
    return `${Math.round(time).toLocaleString('en')} µs, ${percent < 1 ? '<1' : percent} %`;
  };
  return Plot.plot({
    width,
    height: 250,
    marginLeft: 64,
    marginRight: MARGIN,
    marginTop: 4,
    marginBottom: 34,
    x: { label: 'µs', grid: true, domain: [0, end * 1.02], ticks: Math.max(2, Math.floor(width / 160)) },
    y: { label: null, domain: PHASES, tickSize: 0, padding: 0.35 },
    marks: [
      Plot.ruleY(rows, { y: 'phase', stroke: 'var(--line)' }),
      Plot.barX(rows, { x1: 'start', x2: 'end', y: 'phase', fill: 'var(--warm)', rx: 2 }),
      Plot.ruleX([end], { stroke: 'var(--muted)', strokeDasharray: '2,3' }),
      Plot.text(rows, {
        y: 'phase',
        frameAnchor: 'right',
        text: ({ time }: { time: number }) => share(time),
        textAnchor: 'end',
        dx: MARGIN - 2,
        ...TEXT,
      }),
      Plot.tip(
        rows,
        Plot.pointerY({
          x: 'end',
          y: 'phase',
          title: ({ phase, time }: { phase: Phase; time: number }) =>
            `${phase}: ${PHASE_WORDS[phase]}\n${share(time)}`,
          fill: 'var(--surface)',
          stroke: 'var(--line)',
        }),
      ),
    ],
  });
}

function overTime(width: number): Plot.PlotOptions {
  return {
    width,
    height: 230,
    marginLeft: 56,
    marginRight: 56,
    marginTop: 28,
    marginBottom: 34,
    x: { type: 'utc', label: null, ticks: Math.max(2, Math.floor(width / 140)) },
  };
}

export function historyStarts({ measured }: ChartData, width: number): Drawn {
  if (measured.length < 1) return undefined;
  const points = measured.flatMap(({ at, cold, warm }) => [
    { at: new Date(at), what: 'cold', value: median(cold) },
    { at: new Date(at), what: 'warm', value: median(warm) },
  ]);
  const values = points.map(({ value }) => value);
  const domain = [
    10 ** Math.floor(Math.log10(Math.min(...values))),
    10 ** Math.ceil(Math.log10(Math.max(...values))),
  ] as const;
  return Plot.plot({
    ...overTime(width),
    y: {
      type: 'log',
      label: 'first answer, ms',
      grid: true,
      domain,
      ticks: [1, 10, 100, 1000, 10_000, 100_000].filter((tick) => tick >= domain[0] && tick <= domain[1]),
      tickFormat: ',',
    },
    color: { domain: ['cold', 'warm'], range: ['var(--cold)', 'var(--warm)'] },
    marks: lines(points, ms),
  });
}

const MIB = 1024 * 1024;

export function historySize({ built }: ChartData, width: number): Drawn {
  if (built.length < 1) return undefined;
  const points = built.flatMap(({ at, onDisk, workingSet }) => [
    { at: new Date(at), what: 'image', value: onDisk / MIB },
    { at: new Date(at), what: 'set', value: workingSet / MIB },
  ]);
  return Plot.plot({
    ...overTime(width),
    y: { label: 'image and working set, MiB', grid: true, zero: true, ticks: 4 },
    color: { domain: ['image', 'set'], range: ['var(--stored)', 'var(--written)'] },
    marks: lines(points, (value) => `${value.toPrecision(3)} MiB`),
  });
}

interface Point {
  readonly at: Date;
  readonly what: string;
  readonly value: number;
}

/** A line for each `what`, with its name at its end. */
function lines(points: readonly Point[], words: (value: number) => string): Plot.Markish[] {
  const data = [...points];
  return [
    Plot.lineY(data, { x: 'at', y: 'value', stroke: 'what', strokeWidth: 2 }),
    Plot.dot(data, { x: 'at', y: 'value', fill: 'what', r: 3 }),
    Plot.text(
      data,
      Plot.selectLast({ x: 'at', y: 'value', z: 'what', text: 'what', textAnchor: 'start', dx: 8, ...TEXT }),
    ),
    Plot.tip(
      data,
      Plot.pointer({
        x: 'at',
        y: 'value',
        title: ({ at, what, value }: Point) =>
          `${what}: ${words(value)}\n${at.toISOString().slice(0, 16).replace('T', ' ')}`,
        fill: 'var(--surface)',
        stroke: 'var(--line)',
      }),
    ),
  ];
}
