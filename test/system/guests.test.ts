// The test apps in QEMU guests of each CPU, as root and as an ordinary user.
import test from 'ava';

import { GUEST_CPUS } from '../../launcher/cpus.js';
import { runGuest, said } from './support/guest.js';
import { rowsSaid, tableCommand } from './support/guest_table.js';

const tables = [
  { table: 'apps', title: 'the test apps', least: 60 },
  { table: 'trees', title: 'apps of several processes', least: 15 },
] as const;

for (const cpu of GUEST_CPUS)
  for (const identity of ['root', 'user'] as const)
    for (const { table, title, least } of tables)
      test(`${title} on ${cpu} as ${identity}`, async (t) => {
        const outcome = await runGuest({
          cpu,
          // So that threads of one app run at the same time; with two, ARMv7's kernel takes three times as long.
          cpus: cpu === 'aarch64' && identity === 'root' ? 2 : 1,
          ...tableCommand(cpu, identity, table),
        });
        const rows = rowsSaid(outcome.stdout);
        for (const line of rows.skip) t.log(line);
        t.is(outcome.status, 0, said(outcome));
        t.deepEqual(rows.bad, []);
        t.true(rows.ok.length > least, `${rows.ok.length} apps`);
      });
