import test from 'ava';

import { parsePhases, untilResume } from '../../launcher/phases.js';

const names = ['open', 'unmap', 'map', 'threads', 'feed', 'commit'];
const trace = (from: number): string =>
  names.map((name, i) => `thaw-exec: ${name} ${from + i} us\n`).join('');

test('the phases of the last launch are read among other lines', (t) => {
  const phases = parsePhases(`ready\n${trace(100)}map 7 us\n${trace(1)}listening\n`);
  t.deepEqual(phases, { open: 1, unmap: 2, map: 3, threads: 4, feed: 5, commit: 6 });
  t.is(phases && untilResume(phases), 21);
});

test('a launch that did not resume has no phases', (t) => {
  t.is(parsePhases('thaw-exec: no image; cold start\n'), undefined);
  t.is(parsePhases('thaw-exec: open 5 us\nthaw-exec: map 5 us\n'), undefined);
});
