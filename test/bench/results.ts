import type { Machine } from '../../bench/machine.js';
import { Recorder, type Results } from '../../bench/results.js';

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

/** Results with series named "measure subject variant [x]". */
export function results(rows: Readonly<Record<string, readonly number[]>>): Results {
  const recorder = new Recorder();
  for (const [name, values] of Object.entries(rows)) {
    const [measure = '', subject = '', variant = '', x] = name.split(' ');
    for (const value of values)
      recorder.add({ measure, subject, variant, ...(x === undefined ? {} : { x: Number(x) }) }, 'ms', value);
  }
  return recorder.results(machine);
}
