import test from 'ava';

import { speedToReach } from '../../bench/targets.js';
import { results } from './results.js';

const rows = (series: Parameters<typeof results>[0]) =>
  speedToReach(results(series)).map(({ subject, figure, reached }) => ({ subject, figure, reached }));

test('against CRIU: eight times faster is enough', (t) => {
  t.deepEqual(
    rows({
      'first-answer a criu': [80],
      'first-answer a warm': [10],
      'first-answer b criu': [79],
      'first-answer b warm': [10],
    }),
    [
      { subject: 'a', figure: '8.0 x', reached: true },
      { subject: 'b', figure: '7.9 x', reached: false },
    ],
  );
});

test('windows: at most 15 ms, and fifteen times faster than cold', (t) => {
  t.deepEqual(
    rows({
      'windows a cold': [150],
      'windows a warm': [10],
      'windows b cold': [100],
      'windows b warm': [16],
    }),
    [
      { subject: 'a', figure: '15.0 x', reached: true },
      { subject: 'b', figure: '6.3 x', reached: false },
      { subject: 'a', figure: '10.0 ms', reached: true },
      { subject: 'b', figure: '16.0 ms', reached: false },
    ],
  );
});

test('only apps whose cold start takes a second are held against it', (t) => {
  t.deepEqual(
    rows({
      'first-answer slow cold': [1000],
      'first-answer slow warm': [20],
      'first-answer quick cold': [999],
      'first-answer quick warm': [500],
    }),
    [{ subject: 'slow', figure: '50.0 x', reached: true }],
  );
});

test('2 GB is held against 100 MB, 8 processes against one, and 8 instances against 8', (t) => {
  t.deepEqual(
    rows({
      'image-size heap resume 100': [10],
      'image-size heap resume 2000': [13],
      'tree workers resume 1': [2],
      'tree workers resume 8': [5],
      'instances a warm 1': [99],
      'instances a warm 8': [100],
      'instances a cold 8': [400],
    }),
    [
      { subject: 'heap', figure: '1.30 x', reached: false },
      { subject: 'workers', figure: '2.50 x', reached: true },
      { subject: 'a', figure: '0.25 x', reached: true },
    ],
  );
});

test('slow storage: each rate for itself, and only where reading takes longer than the limiter is exact', (t) => {
  t.deepEqual(
    rows({
      'storage a read 20': [200],
      'storage a warm 20': [220],
      'storage a read 100': [99],
      'storage a warm 100': [400],
    }),
    [{ subject: 'a', figure: '1.10 x', reached: true }],
  );
});

test('what many inputs cost is held against the first answer without them', (t) => {
  t.deepEqual(rows({ 'inputs a plain': [10], 'inputs a 2000-more': [11] }), [
    { subject: 'a', figure: '1.10 x', reached: true },
  ]);
});

test('fallback is a difference in milliseconds, each kind for itself', (t) => {
  t.deepEqual(
    rows({ 'fallback p exec': [1], 'fallback p no-image': [1.5], 'fallback p stale-image': [2.5] }),
    [
      { subject: 'p', figure: '0.50 ms more', reached: true },
      { subject: 'p', figure: '1.50 ms more', reached: false },
    ],
  );
});

test('what was not measured is no row', (t) => {
  t.deepEqual(rows({ 'first-answer a criu': [80] }), []);
});
