import { logScale, logScaleAt } from './scale.js';
import { FONT_SIZE, color, element, line, picture, text, textWidth } from './svg.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly label: string;
  /** Lines with the same number have the same colour. */
  readonly color: number;
  readonly dashed: boolean;
  readonly points: readonly Point[];
}

const LEFT = 80;
const TOP = 48;
const WIDTH = 460;
const HEIGHT = 320;
const LABEL_ROW = FONT_SIZE + 3;
const MARGIN = 12;

/** Lines on logarithmic axes, each named at its end. */
export function lineChart(
  title: string,
  xTitle: string,
  lines: readonly Line[],
  format: (value: number) => string,
): string {
  const points = lines.flatMap((one) => one.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const x = logScaleAt(xs, LEFT, LEFT + WIDTH);
  const y = logScale(
    points.map((point) => point.y),
    TOP + HEIGHT,
    TOP,
  );
  const parts = [
    ...y.ticks.flatMap((tick) => [
      line(LEFT, y.at(tick), LEFT + WIDTH, y.at(tick)),
      text(LEFT - 8, y.at(tick) + 4, format(tick), { 'text-anchor': 'end' }),
    ]),
    ...x.ticks.map((tick) => text(x.at(tick), TOP + HEIGHT + 20, String(tick), { 'text-anchor': 'middle' })),
    text(LEFT + WIDTH / 2, TOP + HEIGHT + 42, xTitle, { 'text-anchor': 'middle' }),
    ...lines.map((one) => polyline(one, x.at, y.at)),
    ...endLabels(lines, y.at),
  ];
  const widest = Math.max(...lines.map(({ label }) => textWidth(label)));
  return picture(LEFT + WIDTH + widest + 3 * MARGIN, TOP + HEIGHT + 56, title, parts);
}

function polyline(one: Line, xAt: (value: number) => number, yAt: (value: number) => number): string {
  const stroke = color(one.color);
  const path = one.points.map(({ x, y }) => `${xAt(x).toFixed(1)},${yAt(y).toFixed(1)}`).join(' ');
  return element('polyline', {
    points: path,
    fill: 'none',
    stroke,
    'stroke-width': 2,
    ...(one.dashed ? { 'stroke-dasharray': '6 4' } : {}),
  });
}

/** Beside the last points, moved apart where they would cover each other. */
function endLabels(lines: readonly Line[], yAt: (value: number) => number): string[] {
  const ends = lines
    .flatMap((one) => {
      const last = one.points.at(-1);
      return last === undefined ? [] : [{ one, y: yAt(last.y) }];
    })
    .sort((a, b) => a.y - b.y);
  let lowest = -Infinity;
  const placed = ends.map(({ one, y }) => {
    lowest = Math.max(y, lowest + LABEL_ROW);
    return { one, y: lowest };
  });
  // What ran out below is moved up together.
  const excess = Math.max(0, lowest - (TOP + HEIGHT));
  return placed.map(({ one, y }) =>
    text(LEFT + WIDTH + MARGIN, y - excess + 4, one.label, { fill: color(one.color) }),
  );
}
