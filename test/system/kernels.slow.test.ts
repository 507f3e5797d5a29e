// Another kernel at launch than at checkpoint: another vDSO, whose entries the app's old one jumps to; and the same kernel in
// another boot, where ARM's [sigpage] is another one.
import test from 'ava';

import { type Case, each, expectCold, expectRight, withData } from './support/expect.js';
import { type Step, runSteps } from './support/steps.js';

/** Threads in the vDSO, and handlers that return to it and through it. */
const inVdso: Case = { app: 'vdso' };
/** Without handlers. */
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

// Without time namespaces, launches wait until the clocks have passed the image's. Debian's 6.1 for ARMv7 has CONFIG_IWMMXT, 6.12
// has not: an app within a handler has a frame that the newer one cannot take.
test('launches on armv7 under a newer kernel, and in another boot of the same', (t) =>
  withData(async (data) => {
    const cases = [threadsInVdso, ...others];
    const boot = async (kernel: string, steps: readonly Step[]): Promise<void> => {
      expectRight(t, kernel, await runSteps('armv7', { data, kernel }, steps));
    };
    await boot('armmp', each('checkpoint', [inVdso, ...cases]));
    const [...launched] = await runSteps('armv7', { data, kernel: 'bookworm-backports/armmp' }, [
      ...each('later', cases),
      ...each('start', [inVdso]),
    ]);
    const cold = launched.pop();
    expectRight(t, 'newer', launched);
    expectCold(t, 'in a handler', cold, 'kernel', /signal handler, which cannot return under this kernel/);
    await boot('armmp', each('later', [inVdso]));
  }));
