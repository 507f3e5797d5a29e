// The charts of a report, in the browser that shows it.
/*!
Charts by Observable Plot, copyright 2020-2025 Observable, Inc., and D3, copyright 2010-2026 Mike Bostock (ISC licence):

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.

interval-tree-1d and binary-search-bounds, copyright 2013 Mikola Lysenko (MIT licence):

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.
*/
import type { ChartData } from '../data.js';
import { historySize, historyStarts, phases, starts } from './charts.js';
import { filterInputs } from './filter.js';
import { HeatMap } from './heat_map.js';

type Draw = (data: ChartData, width: number) => SVGSVGElement | HTMLElement | undefined;

const CHARTS: Readonly<Record<string, Draw>> = {
  'chart-starts': starts,
  'chart-phases': phases,
  'chart-history-starts': historyStarts,
  'chart-history-size': historySize,
};

/** Of a sheet of paper between its margins, in pixels. */
const PAPER = 680;

const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as ChartData;
const heatMap = new HeatMap(data);

function draw(width?: number): void {
  for (const [id, chart] of Object.entries(CHARTS)) {
    const place = document.getElementById(id);
    const room = width ?? place?.clientWidth ?? 0;
    // A window that is not laid out yet has no width; it gets one, and the charts then.
    if (place === null || room === 0) continue;
    const drawn = chart(data, room);
    if (drawn === undefined) continue;
    // The place has the words for it.
    drawn.setAttribute('aria-hidden', 'true');
    place.replaceChildren(drawn);
  }
  heatMap.draw(width);
}

let width = 0;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  draw();
}).observe(document.body);

window.addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  draw(PAPER);
});
window.addEventListener('afterprint', () => {
  draw();
});

filterInputs();
draw();
