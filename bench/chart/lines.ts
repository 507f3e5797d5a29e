import * as Plot from '@observablehq/plot';

import type { Notation } from '../present.js';
import { decades, type Decades } from './decades.js';
import { draw, TITLE_HEIGHT, written } from './picture.js';
import { FAINT, FONT_SIZE, MARGIN, WIDTH, color, textWidth } from './theme.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly label: string;
  /** Lines with the same number have the same colour. */
  readonly color: number;
  /** Lines with the same number have the same dashes. */
  readonly dashes: number;
  readonly points: readonly Point[];
}

/** A line's name, beside its end or as near as others let it. */
interface Label extends Line {
  readonly end: Point;
  readonly y: number;
}

const DASHES = ['none', '7 4', '2 3', '10 3 2 3'] as const;
const HEIGHT = 320;
const TOP = TITLE_HEIGHT + 26;
const LEFT = 76;
const BOTTOM = 46;
const LABEL_ROW = FONT_SIZE + 4;
/** From a line's end to its name. */
const LEADER = 22;

/** Lines on logarithmic axes, each named at its end. */
export function lineChart(title: string, xTitle: string, lines: readonly Line[], notation: Notation): string {
  const points = lines.flatMap((one) => one.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const [first = 1, last = first] = [xs[0], xs.at(-1)];
  const y = decades(points.map((point) => point.y));
  const right = Math.max(...lines.map(({ label }) => textWidth(label))) + LEADER + 2 * MARGIN;
  const end = last > first ? last : first * 10;
  // Names stand beyond the axis, by so many pixels.
  const beyond = (pixels: number): number => end * (end / first) ** (pixels / (WIDTH - LEFT - right));
  return written(
    draw(title, {
      marginTop: TOP,
      marginBottom: BOTTOM,
      marginLeft: LEFT,
      marginRight: right,
      height: TOP + HEIGHT + BOTTOM,
      x: { type: 'log', domain: [first, end] },
      y: { type: 'log', domain: [y.low, y.high] },
      marks: [
        ...valueAxis(y, notation),
        Plot.axisX(xs, { text: String, label: xTitle, labelAnchor: 'center', labelArrow: 'none' }),
        ...lines.flatMap((line) => drawn(line, y)),
        ...named(placed(lines, y), beyond),
      ],
    }),
  );
}

function valueAxis({ powers }: Decades, { tick, unit }: Notation): Plot.Markish[] {
  return [
    Plot.gridY(powers, { stroke: FAINT, strokeOpacity: 1 }),
    Plot.axisY(powers, { text: tick, tickSize: 0, label: null }),
    Plot.text([`${unit}, median`], {
      frameAnchor: 'top-left',
      dx: MARGIN - LEFT,
      dy: TITLE_HEIGHT - TOP - 4,
    }),
  ];
}

/** 0 stands at the lowest power of ten. */
function drawn(line: Line, { low }: Decades): Plot.Markish[] {
  const points = line.points.map(({ x, y }) => ({ x, y: Math.max(y, low) }));
  const stroke = color(line.color);
  const strokeDasharray = DASHES[line.dashes % DASHES.length] ?? 'none';
  return [
    Plot.line(points, {
      x: 'x',
      y: 'y',
      stroke,
      strokeWidth: 2,
      strokeDasharray,
      ariaLabel: () => line.label,
    }),
    Plot.dot(points, { x: 'x', y: 'y', fill: stroke, r: 2.5 }),
  ];
}

/** The names, each led to from its line's end. */
function named(labels: readonly Label[], beyond: (pixels: number) => number): Plot.Markish[] {
  return [
    Plot.link(labels, {
      x1: ({ end }: Label) => end.x,
      y1: ({ end }: Label) => end.y,
      x2: beyond(LEADER - 4),
      y2: 'y',
      stroke: (label: Label) => color(label.color),
      strokeOpacity: 0.6,
      strokeWidth: 1.5,
    }),
    Plot.text(labels, { x: beyond(LEADER), y: 'y', text: 'label', textAnchor: 'start' }),
  ];
}

/** Beside the last points, moved apart where they would cover each other. */
function placed(lines: readonly Line[], { low, high }: Decades): Label[] {
  const pixel = (value: number): number => HEIGHT * (1 - Math.log(value / low) / Math.log(high / low));
  const ends = lines
    .flatMap((line) => {
      const last = line.points.at(-1);
      return last === undefined ? [] : [{ line, end: { x: last.x, y: Math.max(last.y, low) } }];
    })
    .sort((a, b) => b.end.y - a.end.y);
  let lowest = -Infinity;
  const down = ends.map(({ end }) => (lowest = Math.max(pixel(end.y), lowest + LABEL_ROW)));
  // What ran out below is moved up together.
  const excess = Math.max(0, lowest - HEIGHT);
  return ends.map(({ line, end }, i) => ({
    ...line,
    end,
    y: low * (high / low) ** (1 - ((down[i] ?? 0) - excess) / HEIGHT),
  }));
}
