// What a checkpoint refuses, in QEMU guests of each CPU, as root and as an ordinary user: with all rights that a device's root
// has, and its kernel.
import test from 'ava';

import { GUEST_CPUS } from '../../launcher/cpus.js';
import { rowsSaid, tableCommand } from './support/guest_table.js';
import { runGuest, said } from './support/guest.js';

for (const cpu of GUEST_CPUS)
  for (const identity of ['root', 'user'] as const)
    test(`what is refused on ${cpu} as ${identity}`, async (t) => {
      const outcome = await runGuest({ cpu, ...tableCommand(cpu, identity, 'refusals') });
      const rows = rowsSaid(outcome.stdout);
      for (const line of rows.skip) t.log(line);
      t.is(outcome.status, 0, said(outcome));
      t.deepEqual(rows.bad, []);
      t.true(rows.ok.length > 50, `${rows.ok.length} refused`);
    });
