// A device with a screen, in a guest: weston, systemd as the first program, and an app with a window that starts at
// boot through thaw-exec. What it shows is what it shows after a cold start, and it can be clicked on.
import test from 'ava';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type GuestCpu, guestOf } from '../../launcher/cpus.js';
import { Packages, architecture, run } from '../packages/support/packages.js';
import { type GuestOptions, runGuest, said } from './support/guest.js';
import type { Kiosk, Order, Shown } from './support/kiosk.js';

const MINUTES = 90;
const BUILD_SECONDS = 3600;
const BOOT_SECONDS = 1080;
const apps = [
  { name: 'qtquick', clickAt: '160 100' },
  { name: 'gtk3', clickAt: '160 190' },
];

/** Packages as a root has them, and a disk for what is changed in the root. */
function parts(work: string, cpu: GuestCpu): Omit<GuestOptions, 'cpu' | 'command'> {
  const made = new Packages([cpu]);
  const from = join(work, 'in');
  const packages = join(from, 'packages');
  mkdirSync(packages, { recursive: true });
  for (const name of ['thaw-exec', 'thaw'])
    run('dpkg-deb', ['-x', made.deb(name, architecture(cpu)), packages]);
  rmSync(made.folder, { recursive: true });
  return {
    in: from,
    more: ['--init', 'systemd', '--with', 'windows', '--changes', join(work, 'changes.img')],
  };
}

/** The clocks count instructions: what is read off them does not depend on what else this machine does. */
const steady = (nanoseconds: number): readonly string[] => ['--ns-per-instruction', String(nanoseconds)];

/**
 * While the images are made. Where there are no time namespaces, the clocks must stand lower then than when the app is started in a
 * later boot: they run so slowly that all of it takes some seconds.
 */
function building(cpu: GuestCpu): { slowClock?: string; more: readonly string[]; timeout: number } {
  const { slowClock } = guestOf(cpu);
  const slow = slowClock === 1 ? { more: [] } : { slowClock: String(slowClock), more: steady(1) };
  return { ...slow, timeout: BUILD_SECONDS };
}

for (const cpu of ['aarch64', 'armv7'] as const satisfies readonly GuestCpu[])
  test.serial(`${cpu}: apps with a window that start at boot`, async (t) => {
    t.timeout(MINUTES * 60_000);
    const work = mkdtempSync(join(tmpdir(), 'thaw-windows-'));
    t.teardown(() => {
      rmSync(work, { recursive: true, force: true });
    });
    const guest = parts(work, cpu);
    const boot = async (order: Omit<Order, 'cpu' | 'names'>): Promise<unknown> => {
      const full: Order = { cpu, names: apps.map(({ name }) => name), ...order };
      const program = '/share/dist/test/system/support/kiosk.js';
      const command = ['node', program, JSON.stringify(full)];
      const kind = 'build' in order.now ? building(cpu) : { more: steady(2), timeout: BOOT_SECONDS };
      const more = [...(guest.more ?? []), ...kind.more];
      const outcome = await runGuest({ ...guest, cpu, command, ...kind, more });
      const line = outcome.stdout.split('\n').find((each) => each.startsWith('{'));
      if (outcome.status !== 0 || line === undefined) throw new Error(said(outcome));
      return JSON.parse(line);
    };
    const boots: readonly Kiosk[] = apps.flatMap(({ name }) => [
      { name, how: 'warm' },
      { name, how: 'cold' },
    ]);
    for (const [index, { name }] of apps.entries())
      await boot({ now: { build: name }, next: index === apps.length - 1 ? boots[0] : undefined });
    const found: Shown[] = [];
    for (const [index, now] of boots.entries()) {
      const clickAt = apps.find(({ name }) => name === now.name)?.clickAt ?? '';
      found.push((await boot({ now: { ...now, clickAt }, next: boots[index + 1] })) as Shown);
    }
    boots.forEach(({ name, how }, index) => {
      const one = found[index];
      if (one === undefined) return t.fail(name);
      t.log(
        `${name}, ${how}: started ${one.executed.toFixed(0)} ms after the kernel, shown ${(one.shown - one.executed).toFixed(0)} ms later`,
      );
      t.regex(one.command, /^\/usr\/bin\/python3 /);
      t.regex(one.said, /^clicks /m);
      t.notRegex(one.said, /starting cold|[Ww]arning|[Ee]rror/);
      // Cold, the app says itself that it is shown; in an image it has said so.
      t.is(/^shown$/m.test(one.said), how === 'cold', one.said);
      if (how === 'cold')
        t.is(one.picture, found[index - 1]?.picture ?? '', `${name} looks as after a cold start`);
    });
  });
