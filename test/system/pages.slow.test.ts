// Kernels with pages of another size than the image's: the app starts cold; and images made there are launched there.
import test from 'ava';

import { type Case, each, expectCold, expectRight, withData } from './support/expect.js';
import { runSteps } from './support/steps.js';

const made: Case = { app: 'threads', folder: 'of_4k' };
const here: readonly Case[] = [
  'threads',
  'signals',
  'heap',
  'memory_private',
  'memory_sparse',
  'hazard_dontneed',
  'vdso',
].map((app) => ({ app }));

test('aarch64 with pages of 16 KB', (t) =>
  withData(async (data) => {
    expectRight(t, 'made with 4 KB', await runSteps('aarch64', { data }, each('checkpoint', [made])));
    const [cold, ...own] = await runSteps('aarch64', { data, kernel: 'trixie/arm64-16k' }, [
      ...each('start', [made]),
      ...each('checkpoint', here),
      ...each('launch', here),
    ]);
    expectCold(t, 'of 4 KB', cold, 'image', /made with pages of 4096 bytes, this kernel has 16384/);
    expectRight(t, 'of 16 KB', own);
    const [back] = await runSteps('aarch64', { data }, each('start', here.slice(0, 1)));
    expectCold(t, 'of 16 KB', back, 'page size', /made with pages of 16384 bytes, this kernel has 4096/);
  }));
