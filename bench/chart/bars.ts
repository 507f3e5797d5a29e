import * as Plot from '@observablehq/plot';

import type { Notation } from '../present.js';
import { decades, type Decades } from './decades.js';
import { draw, TITLE_HEIGHT, written } from './picture.js';
import { COLORS, FAINT, INK, MARGIN, textWidth } from './theme.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The quartiles, shown as a whisker. */
  readonly low: number;
  readonly high: number;
}

/** Bars that belong together: one subject. */
export interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

interface Row extends Bar {
  /** Its place on the axis. */
  readonly row: string;
}

const ROW = 20;
const AXIS_HEIGHT = 44;

/** Where each bar stands: the rows from top to bottom, one of which is empty between two groups. */
interface Layout {
  readonly rows: readonly Row[];
  readonly places: readonly string[];
  /** The titles of groups, each beside its first bar. */
  readonly titles: readonly { readonly title: string; readonly row: string }[];
}

/** Horizontal bars in groups on a logarithmic axis; bars with the same label have the same colour. */
export function barChart(title: string, groups: readonly Group[], notation: Notation): string {
  const { rows, places, titles } = layout(groups);
  const names = [...new Set(rows.map(({ label }) => label))];
  const axis = decades(rows.flatMap(({ low, value, high }) => [low, value, high]));
  const marginLeft = widest(groups.map((group) => group.title)) + widest(names) + 3 * MARGIN;
  return written(
    draw(title, {
      marginTop: TITLE_HEIGHT,
      marginBottom: AXIS_HEIGHT,
      marginLeft,
      marginRight: widest(rows.map(({ value }) => notation.figure(value))) + 2 * MARGIN,
      height: TITLE_HEIGHT + places.length * ROW + AXIS_HEIGHT,
      x: { type: 'log', domain: [axis.low, axis.high] },
      y: { type: 'band', domain: places, padding: 0.2, round: false },
      color: { domain: names, range: COLORS },
      marks: [
        ...valueAxis(axis, notation),
        Plot.axisY(rows, { y: 'row', text: 'label', tickSize: 0, label: null }),
        Plot.text(titles, {
          y: 'row',
          text: 'title',
          frameAnchor: 'left',
          dx: MARGIN - marginLeft,
          fontWeight: 600,
        }),
        ...bars(rows, axis, notation),
      ],
    }),
  );
}

function layout(groups: readonly Group[]): Layout {
  const name = (group: number, label: string): string => `${group} ${label}`;
  const rowsOf = groups.map(({ bars }, g) => bars.map((bar): Row => ({ ...bar, row: name(g, bar.label) })));
  return {
    rows: rowsOf.flat(),
    places: rowsOf.flatMap((rows, g) => [...rows.map(({ row }) => row), name(g, '')]).slice(0, -1),
    titles: groups.flatMap(({ title }, g) =>
      (rowsOf[g] ?? []).slice(0, 1).map(({ row }) => ({ title, row })),
    ),
  };
}

function valueAxis({ powers }: Decades, { tick, unit }: Notation): Plot.Markish[] {
  return [
    Plot.gridX(powers, { stroke: FAINT, strokeOpacity: 1 }),
    Plot.axisX(powers, {
      text: tick,
      tickSize: 0,
      label: `${unit}: median, line between the quartiles`,
      labelAnchor: 'center',
      labelArrow: 'none',
    }),
  ];
}

/** Each with its quartiles and its figure. */
function bars(rows: readonly Row[], axis: Decades, { figure }: Notation): Plot.Markish[] {
  // 0 stands at the lowest power of ten.
  const shown = (value: number): number => Math.max(value, axis.low);
  return [
    Plot.barX(rows, {
      x1: axis.low,
      x2: ({ value }: Row) => shown(value),
      y: 'row',
      fill: 'label',
      // So the shortest can be seen.
      insetLeft: -1,
    }),
    Plot.ruleY(rows, {
      x1: ({ low }: Row) => shown(low),
      x2: ({ high }: Row) => shown(high),
      y: 'row',
      stroke: INK,
      strokeWidth: 1.5,
    }),
    Plot.text(rows, {
      x: ({ value, high }: Row) => shown(Math.max(value, high)),
      y: 'row',
      text: ({ value }: Row) => figure(value),
      textAnchor: 'start',
      dx: 6,
    }),
  ];
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(textWidth));
}
