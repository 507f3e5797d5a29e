// The test apps in QEMU guests of each CPU, as root and as an ordinary user.
import test from 'ava';

import { GUEST_CPUS } from '../../launcher/cpus.js';
import { runGuest, said } from './support/guest.js';

const identities = [
  { name: 'root', user: 'root' },
  { name: 'user', user: 'kiosk' },
] as const;

for (const cpu of GUEST_CPUS)
  for (const { name, user } of identities)
    test(`the test apps on ${cpu} as ${name}`, async (t) => {
      const outcome = await runGuest({
        cpu,
        // So that threads of one app run at the same time; with two, ARMv7's kernel takes three times as long.
        cpus: cpu === 'aarch64' && user === 'root' ? 2 : 1,
        user,
        command: [
          'node',
          '/share/dist/test/system/support/table.js',
          `/share/build/${cpu}`,
          '/tmp/apps',
          name,
        ],
      });
      const lines = outcome.stdout.split('\n');
      const starting = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `));
      for (const line of starting('skip')) t.log(line);
      t.is(outcome.status, 0, said(outcome));
      t.deepEqual(starting('bad'), []);
      t.true(starting('ok').length > 40, `${lines.length} apps`);
    });
