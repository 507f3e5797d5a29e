// What people read: columns, sizes, durations.
import test from 'ava';

import { pairs, table } from '../../launcher/columns.js';
import { duration, size } from '../../launcher/units.js';

test('columns are as wide as their widest cell, numbers stand to the right, no line ends in blanks', (t) => {
  const text = table(
    [{ title: 'NAME' }, { title: 'SIZE', right: true }, { title: 'NOTE' }],
    [
      ['a-long-name', '7', ''],
      ['b', '12345', 'x'],
    ],
  );
  t.is(text, 'NAME          SIZE  NOTE\na-long-name      7\nb            12345  x\n');
});

test('a table without rows has its titles, a row too short has empty cells', (t) => {
  const columns = [{ title: 'A' }, { title: 'B' }];
  t.is(table(columns, []), 'A  B\n');
  t.is(table(columns, [['1']]), 'A  B\n1\n');
});

test('pairs', (t) => {
  t.is(
    pairs([
      ['id', '7'],
      ['profile', ''],
    ]),
    'id       7\nprofile\n',
  );
});

test('sizes and durations', (t) => {
  t.deepEqual([0, 1023, 1024, 1536, 200 * 1024, 3 * 1024 ** 3, 5000 * 1024 ** 3].map(size), [
    '0 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '200 KiB',
    '3 GiB',
    '5000 GiB',
  ]);
  t.deepEqual([0.4, 999, 1000, 61_500].map(duration), ['0 ms', '999 ms', '1.0 s', '61.5 s']);
});
