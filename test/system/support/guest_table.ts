// The tables of test apps (table.ts), checked in guests.
import test from 'ava';

import type { GuestCpu } from '../../../launcher/cpus.js';
import { runGuest, said } from './guest.js';

const tables = {
  apps: { title: 'the test apps', least: 60 },
  trees: { title: 'apps of several processes', least: 15 },
  refusals: { title: 'what is refused', least: 50 },
  guards: { title: 'hazards without a guard', least: 15 },
} as const;

/** Declares the test of a table in a guest, as root or as an ordinary user. */
export function proveTable(cpu: GuestCpu, identity: 'root' | 'user', table: keyof typeof tables): void {
  const { title, least } = tables[table];
  test(`${title} on ${cpu} as ${identity}`, async (t) => {
    const outcome = await runGuest({
      cpu,
      // So that threads of one app run at the same time; with two, ARMv7's kernel takes three times as long.
      cpus: cpu === 'aarch64' && identity === 'root' ? 2 : 1,
      user: identity === 'root' ? 'root' : 'kiosk',
      command: [
        'node',
        '/share/dist/test/system/support/table.js',
        `/share/build/${cpu}`,
        '/tmp/apps',
        identity,
        table,
      ],
    });
    const lines = outcome.stdout.split('\n');
    const starting = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `));
    for (const line of starting('skip')) t.log(line);
    t.is(outcome.status, 0, said(outcome));
    t.deepEqual(starting('bad'), []);
    t.true(starting('ok').length > least, `${starting('ok').length} rows`);
  });
}
