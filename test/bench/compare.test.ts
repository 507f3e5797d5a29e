import test from 'ava';

import { differences, regressed } from '../../profiles/bench/compare.js';
import type { Machine } from '../../profiles/bench/machine.js';
import { Recorder, type Results } from '../../profiles/bench/results.js';

const machine: Machine = {
  cpu: 'some',
  cpus: 2,
  memoryBytes: 1e9,
  kernel: '6.1',
  node: 'v20',
  commit: 'abc',
  user: 'root',
  at: '2026-01-01T00:00:00.000Z',
};

export function results(rows: Readonly<Record<string, readonly number[]>>): Results {
  const recorder = new Recorder();
  for (const [name, values] of Object.entries(rows)) {
    const [measure = '', subject = '', variant = '', x] = name.split(' ');
    for (const value of values)
      recorder.add({ measure, subject, variant, ...(x === undefined ? {} : { x: Number(x) }) }, 'ms', value);
  }
  return recorder.results(machine);
}

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
