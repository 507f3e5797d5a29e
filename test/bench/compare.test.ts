import test from 'ava';

import { differences, regressed } from '../../bench/compare.js';
import { results } from './results.js';

test('a slower series is a regression, and the worst stands first', (t) => {
  const found = differences(
    results({ 'a app warm': [10, 11, 12], 'b app warm': [10, 11, 12] }),
    results({ 'a app warm': [15, 16, 17], 'b app warm': [30, 31, 32] }),
  );
  t.deepEqual(
    found.map(({ what }) => what),
    ['b app warm', 'a app warm'],
  );
  t.true(regressed(found));
});

test('a faster series is a difference, but no regression', (t) => {
  const found = differences(results({ 'a app warm': [15, 16, 17] }), results({ 'a app warm': [10, 11, 12] }));
  t.is(found.length, 1);
  t.false(regressed(found));
});

test('what lies within the spread, or is too small to matter, is no difference', (t) => {
  t.deepEqual(
    differences(results({ 'a app warm': [5, 10, 20] }), results({ 'a app warm': [8, 15, 30] })),
    [],
  );
  t.deepEqual(
    differences(results({ 'a app warm': [10, 10, 10] }), results({ 'a app warm': [10.2, 10.2, 10.2] })),
    [],
  );
});

test('series that only one run has are not compared', (t) => {
  t.deepEqual(differences(results({ 'a app warm': [1] }), results({ 'a app warm 8': [100] })), []);
});
