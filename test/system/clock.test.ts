// The clocks of a later boot stand lower than at the checkpoint: timers of real runtimes carry on within their period where
// there are time namespaces, and where not, the app starts cold with the reason.
import test from 'ava';

import { type Case, each, expectCold, expectRight, withData } from './support/expect.js';
import { runSteps } from './support/steps.js';

const cases: readonly Case[] = [
  { app: 'interval', command: ['/usr/bin/node', '/share/test/system/apps/interval.cjs'] },
  { app: 'sleeper', command: ['/usr/bin/python3', '/share/test/system/apps/sleeper.py'] },
  { app: 'timers' },
];
/** Of the first boot: its clocks stand higher than those of the second when that launches. */
const fast = { slowClock: '1/4' };
const periodMs = 500;

test('aarch64: images of a higher clock are launched, as root; an ordinary user starts cold', (t) =>
  withData(async (data) => {
    const kiosk = cases.slice(1, 2).map((one) => ({ ...one, folder: 'kiosk', user: 'kiosk' as const }));
    const made = await runSteps('aarch64', { data, ...fast }, [
      ...each('checkpoint', cases),
      ...each('checkpoint', kiosk),
    ]);
    expectRight(t, 'first boot', made);
    const [cold, ...launched] = await runSteps('aarch64', { data }, [
      ...each('start', kiosk),
      ...each('launch', cases),
    ]);
    expectCold(t, 'kiosk', cold, 'clock', /the clocks stand \d+ s before the image's/);
    expectRight(t, 'second boot', launched);
    // By the clocks of this boot, the timers would wait for half a minute.
    for (const { readyMs = 1e9 } of launched.slice(0, 2))
      t.true(readyMs < 20 * periodMs, `ready after ${readyMs} ms`);
  }));

test('armv7: an image of a higher clock starts cold, and is launched once the clocks have passed it', (t) =>
  withData(async (data) => {
    const made = await runSteps('armv7', { data, slowClock: '1/2' }, each('checkpoint', cases));
    expectRight(t, 'first boot', made);
    const [cold, ...later] = await runSteps('armv7', { data }, [
      ...each('start', cases.slice(1, 2)),
      ...each('later', cases),
    ]);
    expectCold(t, 'too early', cold, 'clock', /the clocks stand \d+ s before the image's/);
    expectRight(t, 'later', later);
  }));

test('aarch64: thaw build as root makes images whose clocks stand near zero', (t) =>
  withData(async (data) => {
    const [built] = await runSteps('aarch64', { data, ...fast }, [{ do: 'build', app: 'sleep' }]);
    t.is(built?.problem, '');
    const { image = 0, system = 0 } = built?.clocks ?? {};
    t.true(image > 0 && image < system - 10, `image ${image} s, system ${system} s`);
  }));
