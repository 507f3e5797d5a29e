// Real apps in QEMU guests of each CPU, as root and as an ordinary user: `thaw build` of their profiles, then launches in a
// row and side by side, whose answers are checked as on this machine.
import test from 'ava';

import { GUEST_CPUS } from '../../launcher/cpus.js';
import { runGuest, said } from './support/guest.js';

const profiles = ['redis', 'python', 'node'];
const seconds = 540;

for (const cpu of GUEST_CPUS)
  for (const user of ['root', 'kiosk'])
    test(`real apps on ${cpu} as ${user}`, async (t) => {
      const outcome = await runGuest({
        cpu,
        user,
        timeout: seconds,
        command: ['node', '/share/dist/test/system/support/real_apps.js', '/tmp/apps'],
      });
      const lines = outcome.stdout.split('\n').filter((line) => /^(ok|bad) /.test(line));
      for (const line of lines) t.log(line);
      t.is(outcome.status, 0, said(outcome));
      t.deepEqual(
        lines.map((line) => line.split(' ', 2).join(' ')),
        profiles.map((profile) => `ok ${profile}`),
        said(outcome),
      );
    });
