// A strip of pictures for each launch, at the same times since each was executed.
import * as Plot from '@observablehq/plot';

import { draw, TITLE_HEIGHT, written } from './picture.js';
import { type Pixels, png } from './png.js';
import { INK, MARGIN, textWidth } from './theme.js';

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
const TOP = TITLE_HEIGHT + 24;

/** What each strip showed last at each of the times, in ms; an empty screen before its first frame. */
export function filmstrip(title: string, times: readonly number[], strips: readonly Strip[]): string {
  const marginLeft = MARGIN + GAP + Math.max(...strips.map(({ label }) => textWidth(label)));
  const plot = {
    width: times.length * (TILE.width + GAP) + GAP,
    height: strips.length * (TILE.height + GAP) + GAP,
  };
  const rows = strips.map(({ label }) => label);
  const tiles = strips.flatMap(({ label, frames }) => {
    const sources = frames.map(({ pixels }) => `data:image/png;base64,${png(pixels).toString('base64')}`);
    return times.map((time) => ({
      label,
      time,
      source: sources[frames.filter(({ at }) => at <= time).length - 1],
    }));
  });
  const svg = draw(title, {
    marginTop: TOP,
    marginBottom: MARGIN,
    marginLeft,
    marginRight: MARGIN,
    width: marginLeft + plot.width + MARGIN,
    height: TOP + plot.height + MARGIN,
    x: {
      type: 'band',
      domain: times,
      paddingInner: GAP / (TILE.width + GAP),
      paddingOuter: GAP / (TILE.width + GAP),
    },
    y: {
      type: 'band',
      domain: rows,
      paddingInner: GAP / (TILE.height + GAP),
      paddingOuter: GAP / (TILE.height + GAP),
    },
    marks: [
      Plot.axisX({ anchor: 'top', tickFormat: (time: number) => `${time} ms`, tickSize: 0, label: null }),
      Plot.text(strips, {
        y: 'label',
        text: 'label',
        frameAnchor: 'left',
        dx: MARGIN - marginLeft,
        fontWeight: 600,
      }),
      Plot.axisY({ ticks: [], label: null }),
      Plot.cell(tiles, { x: 'time', y: 'label', fill: '#2d3436', stroke: INK }),
      Plot.image(
        tiles.filter(({ source }) => source !== undefined),
        { x: 'time', y: 'label', src: 'source', ...TILE },
      ),
    ],
  });
  holdOnce(svg);
  return written(svg);
}

/** A picture that is shown several times is in the file once. */
function holdOnce(svg: Element): void {
  const place = (element: Element, axis: 'x' | 'y'): number => Number(element.getAttribute(axis));
  const first = new Map<string, Element>();
  for (const image of svg.querySelectorAll('image')) {
    const source = image.getAttribute('href') ?? '';
    const held = first.get(source);
    if (held === undefined) {
      image.setAttribute('id', `frame-${first.size}`);
      first.set(source, image);
      continue;
    }
    const use = svg.ownerDocument.createElementNS(svg.namespaceURI, 'use');
    use.setAttribute('href', `#${held.id}`);
    for (const axis of ['x', 'y'] as const)
      use.setAttribute(axis, String(place(image, axis) - place(held, axis)));
    image.replaceWith(use);
  }
}
