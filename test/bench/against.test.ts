import test from 'ava';

import { oldToNew } from '../../bench/against.js';
import { results } from './results.js';

test('the old one is what the new one is compared with, of the same measure and profile', (t) => {
  const found = oldToNew(
    results({
      'first-answer app old': [10, 11, 12],
      'first-answer app new': [20, 21, 22],
      'first-answer other old': [10, 11, 12],
      'resume app old': [5, 6, 7],
      'resume app new': [3, 3, 3],
    }),
  );
  t.deepEqual(
    found.map(({ what, ratio }) => [what, ratio.toFixed(1)]),
    [
      ['first-answer app warm', '1.9'],
      ['resume app warm', '0.5'],
    ],
  );
});
