// A chart of Observable Plot as a file: an SVG picture that needs nothing else.
import * as Plot from '@observablehq/plot';
import { DOMParser } from 'linkedom';

import { FONT_SIZE, INK, MARGIN, WIDTH, style } from './theme.js';

const SVG = 'http://www.w3.org/2000/svg';
const CLASS = 'chart';
/** From the top to what is below the title. */
export const TITLE_HEIGHT = 40;

export interface Options extends Omit<Plot.PlotOptions, 'marks'> {
  readonly marginTop: number;
  readonly marginLeft: number;
  readonly marks: readonly Plot.Markish[];
}

/** The chart with its title, for eyes and for screen readers. */
export function draw(title: string, { marks, ...options }: Options): Element {
  const document = new DOMParser().parseFromString(
    `<svg xmlns="${SVG}"/>`,
    'image/svg+xml',
  ) as unknown as Document;
  const heading = Plot.text([title], {
    frameAnchor: 'top-left',
    dx: MARGIN - options.marginLeft,
    dy: MARGIN - options.marginTop,
    fill: INK,
    fontSize: FONT_SIZE + 2,
    fontWeight: 600,
  });
  const svg = Plot.plot({
    width: WIDTH,
    ...options,
    document,
    className: CLASS,
    ariaLabel: title,
    style: { background: 'var(--page)', color: INK, fontSize: `${FONT_SIZE}px` },
    marks: [...marks, heading],
  });
  svg.setAttribute('xmlns', SVG);
  svg.setAttribute('role', 'img');
  const named = document.createElementNS(SVG, 'title');
  named.textContent = title;
  const colors = document.createElementNS(SVG, 'style');
  colors.textContent = style(CLASS);
  svg.prepend(named, colors);
  return svg;
}

/** The picture as a file's content: a line for each element, lengths with as many digits as can be seen. */
export function written(svg: Element): string {
  const rounded = (tag: string): string =>
    tag.replaceAll(/\d+\.\d{3,}/g, (digits) => String(Math.round(Number(digits) * 100) / 100));
  return `${svg.outerHTML.replaceAll(/<[^>]+>/g, rounded).replaceAll('><', '>\n<')}\n`;
}
