import test from 'ava';

import { draw } from '../../bench/charts.js';
import { logScale } from '../../bench/chart/scale.js';
import type { Series } from '../../bench/results.js';

const series = (subject: string, variant: string, values: number[], x?: number): Series => ({
  measure: 'some',
  subject,
  variant,
  unit: 'ms',
  values,
  ...(x === undefined ? {} : { x }),
});

/** Numbers of an attribute, in order. */
const numbers = (svg: string, pattern: RegExp): number[] =>
  [...svg.matchAll(pattern)].map(([, value]) => Number(value));

test('a longer bar for a larger value, with its figure beside it', (t) => {
  const svg = draw({ measure: 'some', title: 'A title' }, [
    series('app', 'cold', [1000, 1000]),
    series('app', 'warm', [10, 10]),
  ]);
  const [cold = 0, warm = 0] = numbers(svg, /<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g);
  t.true(cold > warm && warm >= 1);
  t.regex(svg, />1000 ms</);
  t.regex(svg, />10\.0 ms</);
  t.regex(svg, />A title</);
});

test('names are escaped: the picture stays well-formed', (t) => {
  const svg = draw({ measure: 'some', title: '<a & b>' }, [series('x<y', 'v"w', [1])]);
  t.notRegex(svg, /x<y|<a &/);
  t.regex(svg, /x&lt;y/);
});

test('a line for each variant runs through its medians in the order of x', (t) => {
  const svg = draw({ measure: 'some', title: 'T', x: 'MB' }, [
    series('heap', 'resume', [30, 10, 20], 100),
    series('heap', 'resume', [5], 10),
    series('heap', 'map', [1], 10),
  ]);
  const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number)),
  );
  t.is(lines.length, 2);
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = lines[0] ?? [];
  t.true(x1 < x2);
  t.true(y1 > y2, 'larger values stand higher');
});

test('labels at the ends of lines do not cover each other', (t) => {
  const same = ['a', 'b', 'c', 'd'].map((variant) => series('heap', variant, [5], 10));
  const svg = draw({ measure: 'some', title: 'T', x: 'MB' }, same);
  const places = numbers(svg, /<text x="\d+" y="([\d.]+)" fill="#[0-9a-f]+">[abcd]</g);
  t.is(places.length, 4);
  for (let i = 1; i < places.length; i++) t.true((places[i] ?? 0) - (places[i - 1] ?? 0) >= 13);
});

test('a logarithmic scale covers its values by whole powers of ten', (t) => {
  const scale = logScale([3, 400], 0, 300);
  t.deepEqual(scale.ticks, [1, 10, 100, 1000]);
  t.is(scale.at(1), 0);
  t.is(Math.round(scale.at(10)), 100);
  t.is(Math.round(scale.at(1000)), 300);
});

test('0 has a place on a logarithmic scale, too', (t) => {
  const scale = logScale([0, 3, 400], 0, 300);
  t.deepEqual(scale.ticks, [1, 10, 100, 1000]);
  t.is(scale.at(0), 0);
  t.is(logScale([0], 0, 300).at(0), 0);
});
