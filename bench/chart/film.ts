// A strip of pictures for each launch, at the same times since each was executed.
import { type Pixels, png } from './png.js';
import { INK, element, picture, text, textWidth } from './svg.js';

export interface Frame {
  /** Since the start, in ms. */
  readonly at: number;
  readonly pixels: Pixels;
}

export interface Strip {
  readonly label: string;
  readonly frames: readonly Frame[];
}

const TILE = { width: 136, height: 98 };
const GAP = 8;
const TOP = 64;
const MARGIN = 12;

/** What each strip showed last at each of the times, in ms; an empty screen before its first frame. */
export function filmstrip(title: string, times: readonly number[], strips: readonly Strip[]): string {
  const left = MARGIN + Math.max(...strips.map(({ label }) => textWidth(label))) + GAP;
  const column = (i: number): number => left + i * (TILE.width + GAP);
  const row = (i: number): number => TOP + i * (TILE.height + GAP);
  const parts = times.map((time, i) =>
    text(column(i) + TILE.width / 2, TOP - 10, `${time} ms`, { 'text-anchor': 'middle' }),
  );
  strips.forEach(({ label, frames }, y) => {
    parts.push(text(MARGIN, row(y) + TILE.height / 2, label, { 'font-weight': 'bold' }));
    const shown = times.map((time) => frames.filter(({ at }) => at <= time).length - 1);
    shown.forEach((frame, x) => {
      parts.push(element('rect', { x: column(x), y: row(y), ...TILE, fill: '#2d3436', stroke: INK }));
      if (frame < 0) return;
      const place = { x: column(x), y: row(y), ...TILE };
      const id = `frame-${y}-${frame}`;
      if (shown.indexOf(frame) === x) parts.push(defined(id, frames[frame]));
      parts.push(element('use', { href: `#${id}`, ...place }));
    });
  });
  return picture(column(times.length) + MARGIN, row(strips.length) + MARGIN, title, parts);
}

/** A picture that is used several times; it keeps its own shape within a tile. */
function defined(id: string, frame: Frame | undefined): string {
  if (frame === undefined) return '';
  const { width, height } = frame.pixels;
  const href = `data:image/png;base64,${png(frame.pixels).toString('base64')}`;
  const image = element('image', { href, width, height });
  return element('symbol', { id, viewBox: `0 0 ${width} ${height}` }, image);
}
