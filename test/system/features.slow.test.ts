// CPU features are part of the warm state: a CPU that lacks one starts the app cold, one that has more launches it.
import test from 'ava';

import { type Case, each, expectCold, expectRight, withData } from './support/expect.js';
import { runSteps } from './support/steps.js';

const python: Case = {
  app: 'sleeper',
  command: ['/usr/bin/python3', '/share/test/system/apps/sleeper.py'],
};
const vectors: Case = { app: 'sve' };
const small: Case = { ...python, folder: 'small' };

test('aarch64: from a Cortex-A53 to a CPU with everything, not back; SVE only with the same length', (t) =>
  withData(async (data) => {
    const most = 'max,pauth-impdef=on';
    const few = await runSteps('aarch64', { data, model: 'cortex-a53' }, each('checkpoint', [small]));
    expectRight(t, 'made on the small CPU', few);

    const many = await runSteps('aarch64', { data, model: most }, [
      ...each('launch', [small]),
      ...each('checkpoint', [python, vectors]),
      ...each('launch', [vectors]),
    ]);
    expectRight(t, 'on the large CPU', many);

    const [cold] = await runSteps('aarch64', { data, model: 'cortex-a53' }, each('start', [python]));
    expectCold(t, 'back', cold, 'cpu', /this CPU lacks .*atomics.*sve/);

    const shorter = `${most},sve128=on,sve256=off,sve512=off`;
    const [length] = await runSteps('aarch64', { data, model: shorter }, each('start', [vectors]));
    expectCold(t, 'another length', length, 'cpu', /SVE vector length \d+ \(here 16\)/);
  }));
