// What only 32-bit ARM has: two instruction sets, the kernel's [vectors], VFP and NEON, a small address space, files whose
// size needs more than a word.
import test from 'ava';

import { type Case, each, expectRight, withData } from './support/expect.js';
import { runSteps } from './support/steps.js';

const cases: readonly Case[] = [
  { app: 'isa_arm' },
  { app: 'isa_thumb' },
  { app: 'fpu' },
  { app: 'large_file' },
  { app: 'full', args: ['64'] },
  // An ordinary user has no other ways.
  { app: 'fpu', folder: 'fpu_kiosk', user: 'kiosk' },
];
const crammed: Case = { app: 'full', folder: 'crammed', args: ['0'] };

test('armv7: both instruction sets, VFP and NEON, large files, an address space that is nearly full', (t) =>
  withData(async (data) => {
    const [refused, ...outcomes] = await runSteps('armv7', { data }, [
      ...each('checkpoint', [crammed, ...cases]),
      ...each('launch', cases),
    ]);
    t.regex(refused?.problem ?? '', /address space has no room for thaw's own area/);
    expectRight(t, 'armv7', outcomes);
  }));
