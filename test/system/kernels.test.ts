// Another kernel at launch than at checkpoint: another vDSO, whose entries the app's old one jumps to; and the same kernel in
// another boot, where ARM's [sigpage] is another one.
import test from 'ava';

import { type Case, each, expectRight, withData } from './support/expect.js';
import { type Step, runSteps } from './support/steps.js';

/** Threads in the vDSO, and handlers that return to it and through it. */
const inVdso: Case = { app: 'vdso' };
/** Without handlers: the 6.1 and 6.12 kernels for ARMv7 differ in CONFIG_IWMMXT, and so in the frames of signals. */
const threadsInVdso: Case = { app: 'vdso', folder: 'vdso_threads', args: ['threads'] };
const others: readonly Case[] = [{ app: 'signals' }, { app: 'clock' }];

test('launches on aarch64 under another kernel, forth and back', (t) =>
  withData(async (data) => {
    const cases = [inVdso, ...others];
    const boot = async (kernel: string, steps: readonly Step[]): Promise<void> => {
      expectRight(t, kernel, await runSteps('aarch64', { data, kernel }, steps));
    };
    await boot('arm64', each('checkpoint', cases));
    await boot('trixie/arm64', [...each('launch', cases), ...each('checkpoint', cases)]);
    await boot('arm64', each('launch', cases));
  }));

// Without time namespaces, launches wait until the clocks have passed the image's.
test('launches on armv7 under a newer kernel, and in another boot of the same', (t) =>
  withData(async (data) => {
    const cases = [threadsInVdso, ...others];
    const boot = async (kernel: string, steps: readonly Step[]): Promise<void> => {
      expectRight(t, kernel, await runSteps('armv7', { data, kernel }, steps));
    };
    await boot('armmp', each('checkpoint', [inVdso, ...cases]));
    await boot('bookworm-backports/armmp', each('later', cases));
    await boot('armmp', each('later', [inVdso]));
  }));
