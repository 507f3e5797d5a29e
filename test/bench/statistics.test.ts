import test from 'ava';

import { median, summary } from '../../launcher/statistics.js';

test('the median of an odd and of an even count, in any order', (t) => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([4, 1, 3, 2]), 2.5);
});

test('quartiles lie between values in proportion', (t) => {
  t.deepEqual(summary([1, 2, 3, 4, 5]), { median: 3, low: 2, high: 4 });
  t.deepEqual(summary([0, 10]), { median: 5, low: 2.5, high: 7.5 });
});

test('no values have no median', (t) => {
  t.throws(() => median([]), { instanceOf: RangeError });
});
