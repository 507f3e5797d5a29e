// Services under systemd in an AArch64 guest, with the packages installed: `thaw build`, `thaw unit`, a reboot, and then each
// service is warm, or cold for the reason that `thaw unit` has named.
import test from 'ava';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { root } from '../engine/support/paths.js';
import { Packages, architecture, run } from '../packages/support/packages.js';
import { type GuestOptions, runGuest, said } from './support/guest.js';
import type { Prepared, ServiceRow, Started } from './support/services.js';

const CPU = 'aarch64';
const MINUTES = 30;

interface Expected extends ServiceRow {
  /** Why it is cold; undefined: it is warm. */
  readonly cold?: RegExp;
  /** What `thaw unit` says. */
  readonly told?: RegExp;
}

const rows: readonly Expected[] = [
  { name: 'at-boot', app: 'plain', settings: ['Type=exec'], atBoot: true },
  { name: 'simple', app: 'plain', settings: ['Type=simple'] },
  { name: 'exec', app: 'plain', settings: ['Type=exec'] },
  { name: 'notify', app: 'notify', settings: ['Type=notify'] },
  { name: 'restart', app: 'plain', settings: ['Restart=on-failure', 'RestartSec=100ms'], then: 'fail' },
  {
    name: 'watchdog',
    app: 'watchdog',
    settings: ['Type=notify', 'WatchdogSec=15s', 'Restart=on-failure'],
    then: 'hang',
  },
  {
    name: 'dynamic',
    app: 'plain',
    settings: ['Type=exec', 'DynamicUser=yes'],
    options: ['--anyway'],
    told: /DynamicUser/,
    // The store of root is nothing that it may look into.
    cold: /(user|Permission denied).*starting cold/,
  },
  {
    name: 'filter',
    app: 'plain',
    settings: ['Type=exec', 'SystemCallFilter=@system-service', 'NoNewPrivileges=yes'],
  },
  {
    name: 'strict',
    app: 'plain',
    settings: ['Type=exec', 'ProtectSystem=strict'],
    told: /ProtectSystem/,
  },
  // Python asks for the machine's memory, which is what it was.
  { name: 'memory', app: 'plain', settings: ['Type=exec', 'MemoryMax=64M'] },
];

/** Packages as a root has them, the app, and a disk for what is changed in the root. */
function parts(work: string): Pick<GuestOptions, 'in' | 'more'> {
  const made = new Packages([CPU]);
  const from = join(work, 'in');
  const packages = join(from, 'packages');
  mkdirSync(packages, { recursive: true });
  for (const name of ['thaw-exec', 'thaw'])
    run('dpkg-deb', ['-x', made.deb(name, architecture(CPU)), packages]);
  cpSync(join(root, 'test/system/apps/service.py'), join(from, 'service.py'));
  rmSync(made.folder, { recursive: true });
  return { in: from, more: ['--init', 'systemd', '--changes', join(work, 'changes.img')] };
}

async function boot<T>(guest: Pick<GuestOptions, 'in' | 'more'>, what: string): Promise<readonly T[]> {
  const program = '/share/dist/test/system/support/services.js';
  const outcome = await runGuest({
    ...guest,
    cpu: CPU,
    command: ['node', program, what, JSON.stringify(rows)],
  });
  const lines = outcome.stdout.split('\n').filter((line) => line.startsWith('{'));
  if (outcome.status !== 0 || lines.length !== rows.length) throw new Error(said(outcome));
  return lines.map((line) => JSON.parse(line) as T);
}

test(`services on ${CPU} after a reboot`, async (t) => {
  t.timeout(MINUTES * 60_000);
  const work = mkdtempSync(join(tmpdir(), 'thaw-services-'));
  t.teardown(() => {
    rmSync(work, { recursive: true, force: true });
  });
  const guest = parts(work);
  const prepared = await boot<Prepared>(guest, 'prepare');
  t.deepEqual(
    rows.flatMap((row, index) => problemsOfUnit(row, prepared[index])),
    [],
  );
  const started = await boot<Started>(guest, 'start');
  t.deepEqual(
    rows.flatMap((row, index) => problemsOfStart(row, started[index])),
    [],
  );
});

/** What `thaw unit` should have said: nothing of a cold start, unless there will be one. */
function problemsOfUnit({ name, told = /^/, cold }: Expected, found: Prepared | undefined): string[] {
  const text = found?.said ?? '';
  const right = found?.status === 0 && told.test(text) && /cold/.test(text) === (cold !== undefined);
  return right ? [] : [`thaw unit ${name}: status ${found?.status ?? 'none'}: ${text}`];
}

function problemsOfStart({ name, cold, then }: Expected, found: Started | undefined): string[] {
  if (found === undefined) return [`${name}: nothing`];
  const { state, command, restarts, said: text } = found;
  const runs = state === 'active' && /^\/usr\/bin\/python3 /.test(command);
  const restarted = restarts === (then === undefined ? 0 : 1);
  const started =
    cold === undefined ? !/warmed up|starting cold/.test(text) : cold.test(text) && /warmed up/.test(text);
  return runs && restarted && started
    ? []
    : [`${name}: ${state}, ${restarts} restarts, ${command}, expected ${cold?.source ?? 'warm'}: ${text}`];
}
