import test from 'ava';
import { DOMParser } from 'linkedom';

import { decades } from '../../bench/chart/decades.js';
import { draw } from '../../bench/charts.js';
import type { Series, Unit } from '../../bench/results.js';

const series = (
  subject: string,
  variant: string,
  values: number[],
  x?: number,
  unit: Unit = 'ms',
): Series => ({
  measure: 'some',
  subject,
  variant,
  unit,
  values,
  ...(x === undefined ? {} : { x }),
});

const parse = (svg: string): Document =>
  new DOMParser().parseFromString(svg, 'image/svg+xml') as unknown as Document;

const all = (document: Document, selector: string): Element[] => [...document.querySelectorAll(selector)];

const texts = (document: Document): string[] => all(document, 'text').map(({ textContent }) => textContent);

const lengths = (elements: readonly Element[], attribute: string): number[] =>
  elements.map((element) => Number(element.getAttribute(attribute)));

/** Where a path begins and ends. */
function ends(path: Element): { from: readonly [number, number]; to: readonly [number, number] } {
  const points = [...(path.getAttribute('d') ?? '').matchAll(/([\d.]+),([\d.]+)/g)].map(
    ([, x, y]) => [Number(x), Number(y)] as const,
  );
  return { from: points[0] ?? [NaN, NaN], to: points.at(-1) ?? [NaN, NaN] };
}

/** Where a text stands. */
function height(text: Element): number {
  return Number(/,([\d.]+)\)/.exec(text.getAttribute('transform') ?? '')?.[1]);
}

test('a longer bar for a larger value, with its figure beside it', (t) => {
  const chart = parse(
    draw({ measure: 'some', title: 'A title' }, [
      series('app', 'cold', [1000, 1000]),
      series('app', 'warm', [10, 10]),
      series('other', 'cold', [100]),
    ]),
  );
  const bars = all(chart, '[aria-label=bar] rect');
  const [cold = 0, warm = 0, other = 0] = lengths(bars, 'width');
  t.true(cold > other && other > warm && warm >= 1);
  const [fill, others, same] = bars.map((bar) => bar.getAttribute('fill'));
  t.is(fill, same, 'one colour for one label');
  t.not(fill, others);
  for (const text of ['A title', 'app', 'other', 'cold', 'warm', '1000 ms', '10.0 ms', '100 ms'])
    t.true(texts(chart).includes(text), text);
});

test('a line between the quartiles lies across the end of a bar', (t) => {
  const chart = parse(
    draw({ measure: 'some', title: 'T' }, [
      series('app', 'cold', [10, 20, 30, 40, 50]),
      series('app', 'zero', [0]),
    ]),
  );
  const [whisker] = all(chart, '[aria-label=rule] line');
  const [bar, zero] = all(chart, '[aria-label=bar] rect');
  t.truthy(whisker && bar && zero);
  if (whisker === undefined || bar === undefined || zero === undefined) return;
  const [left = 0, width = 0] = ['x', 'width'].map((name) => Number(bar.getAttribute(name)));
  t.true(Number(whisker.getAttribute('x1')) < left + width);
  t.true(Number(whisker.getAttribute('x2')) > left + width);
  t.is(zero.getAttribute('width'), '1', '0 is still seen');
});

test('the axis says its unit and has a mark at each power of ten', (t) => {
  const bars = parse(
    draw({ measure: 'some', title: 'T' }, [series('app', 'cold', [3000]), series('app', 'warm', [0.002])]),
  );
  for (const text of ['0.001', '0.01', '0.1', '1', '10', '100', '1,000', '10,000'])
    t.true(texts(bars).includes(text), text);
  t.true(texts(bars).some((text) => text.startsWith('ms')));
  const points = [8, 500].map((x) => series('app', 'cold', [x * 1000], x, 'kB'));
  const lines = parse(draw({ measure: 'some', title: 'T', x: 'instances' }, points));
  for (const text of ['1', '10', '100', '1,000', '8', '500', 'instances', 'MB, median'])
    t.true(texts(lines).includes(text), text);
});

test('a picture has a name, the colours of dark pages, and needs nothing else', (t) => {
  const svg = draw({ measure: 'some', title: 'A title' }, [series('app', 'cold', [1])]);
  const root = parse(svg).documentElement;
  t.is(root.getAttribute('role'), 'img');
  t.is(root.getAttribute('aria-label'), 'A title');
  t.is(root.querySelector('title')?.textContent, 'A title');
  t.regex(svg, /@media \(prefers-color-scheme: dark\)/);
  const used = [...svg.matchAll(/var\((--[\w-]+)\)/g)].map(([, name = '']) => name);
  t.true(used.length > 0);
  for (const name of used) t.is(svg.split(`${name}: #`).length, 3, `${name}, light and dark`);
  t.notRegex(svg.replace('http://www.w3.org/2000/svg', ''), /<script|https?:|@import|url\(/);
});

test('names are escaped: the picture stays well-formed', (t) => {
  const svg = draw({ measure: 'some', title: '<a & b>' }, [series('x<y', 'v"w', [1])]);
  t.notRegex(svg, /x<y|<a &/);
  t.regex(svg, /x&lt;y/);
  for (const text of ['<a & b>', 'x<y', 'v"w']) t.true(texts(parse(svg)).includes(text), text);
});

test('a line for each variant runs through its medians in the order of x', (t) => {
  const chart = parse(
    draw({ measure: 'some', title: 'T', x: 'MB' }, [
      series('heap', 'resume', [30, 10, 20], 100),
      series('heap', 'resume', [5], 10),
      series('heap', 'map', [1], 10),
      series('heap', 'map', [0], 100),
    ]),
  );
  const [resume] = all(chart, 'path[aria-label=resume]').map(ends);
  t.truthy(resume);
  if (resume === undefined) return;
  t.true(resume.from[0] < resume.to[0]);
  t.true(resume.from[1] > resume.to[1], 'larger values stand higher');
  const [map] = all(chart, 'path[aria-label=map]').map(ends);
  t.is(map?.from[1], map?.to[1], '0 stands at the lowest power of ten');
});

test('of several subjects, each has a colour, and each variant its dashes', (t) => {
  const chart = parse(
    draw(
      { measure: 'some', title: 'T', x: 'MB/s' },
      ['redis', 'jvm'].flatMap((subject) =>
        ['read', 'warm', 'not-fed'].flatMap((variant) => [1, 2].map((x) => series(subject, variant, [x], x))),
      ),
    ),
  );
  const look = all(chart, 'path[aria-label]').map((path) => {
    const own = (name: string): string => path.closest(`[${name}]`)?.getAttribute(name) ?? '';
    return [own('stroke'), own('stroke-dasharray')] as const;
  });
  t.is(look.length, 6);
  t.is(new Set(look.map(([stroke]) => stroke)).size, 2);
  t.is(new Set(look.map((one) => one.join())).size, 6);
});

test('labels at the ends of lines do not cover each other', (t) => {
  const same = ['a', 'b', 'c', 'd'].map((variant) => series('heap', variant, [1], 10));
  const chart = parse(draw({ measure: 'some', title: 'T', x: 'MB' }, same));
  const places = all(chart, 'text')
    .filter(({ textContent }) => /^[abcd]$/.test(textContent))
    .map(height);
  t.is(places.length, 4);
  for (let i = 1; i < places.length; i++) t.true((places[i] ?? 0) - (places[i - 1] ?? 0) >= 13);
  const bottom = Math.max(
    ...all(chart, '[aria-label=y-grid] line').map((line) => Number(line.getAttribute('y1'))),
  );
  t.true((places.at(-1) ?? Infinity) <= bottom, 'and stay beside the chart');
});

test('a logarithmic axis covers its values by whole powers of ten', (t) => {
  t.deepEqual(decades([3, 400]), { powers: [1, 10, 100, 1000], low: 1, high: 1000 });
  t.deepEqual(decades([0, 3, 400]).powers, [1, 10, 100, 1000], '0 has no logarithm');
  t.deepEqual(decades([0]).powers, [1, 10]);
  t.deepEqual(decades([10]).powers, [10, 100]);
});
