import { logScale } from './scale.js';
import { FONT_SIZE, INK, color, element, line, picture, text, textWidth } from './svg.js';

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

const ROW = 20;
const GAP = 14;
const TOP = 48;
const PLOT_WIDTH = 420;
const MARGIN = 12;

/** Horizontal bars in groups on a logarithmic axis; bars with the same label have the same colour. */
export function barChart(title: string, groups: readonly Group[], format: (value: number) => string): string {
  const bars = groups.flatMap((group) => group.bars);
  const labels = [...new Set(bars.map(({ label }) => label))];
  const titleWidth = Math.max(...groups.map((group) => textWidth(group.title)));
  const labelWidth = Math.max(...labels.map(textWidth));
  const left = MARGIN + titleWidth + MARGIN + labelWidth + MARGIN;
  const right = left + PLOT_WIDTH;
  const scale = logScale(
    bars.flatMap(({ low, high }) => [low, high]),
    left,
    right,
  );
  const bottom = TOP + bars.length * ROW + groups.length * GAP;
  const parts = scale.ticks.flatMap((tick) => [
    line(scale.at(tick), TOP - 6, scale.at(tick), bottom),
    text(scale.at(tick), bottom + FONT_SIZE + 2, format(tick), { 'text-anchor': 'middle' }),
  ]);
  let y = TOP;
  for (const group of groups) {
    parts.push(text(MARGIN, y + ROW - 6, group.title, { 'font-weight': 'bold' }));
    for (const bar of group.bars) {
      const fill = color(labels.indexOf(bar.label));
      const end = scale.at(bar.value);
      const middle = y + ROW / 2;
      parts.push(
        text(left - MARGIN / 2, y + ROW - 6, bar.label, { 'text-anchor': 'end' }),
        element('rect', { x: left, y: y + 2, width: Math.max(1, end - left), height: ROW - 4, fill }),
        line(scale.at(bar.low), middle, scale.at(bar.high), middle, { stroke: INK, 'stroke-width': 1.5 }),
        text(Math.max(end, scale.at(bar.high)) + 6, y + ROW - 6, format(bar.value)),
      );
      y += ROW;
    }
    y += GAP;
  }
  const widest = Math.max(...bars.map(({ value }) => textWidth(format(value))));
  return picture(right + widest + 2 * MARGIN, bottom + FONT_SIZE + MARGIN, title, parts);
}
