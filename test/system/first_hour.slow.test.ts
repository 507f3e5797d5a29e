// A person's first hour under systemd, in a container of this CPU and in an AArch64 guest: the packages are installed, `thaw
// doctor`, a profile of an installed service, `thaw unit`, a reboot: the service starts warm. Its package is upgraded: cold; thawd
// has built a new image: warm again. thawd has counted these launches.
import test from 'ava';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Status } from '../../launcher/daemon/status.js';
import { cpu as ownCpu, root } from '../engine/support/paths.js';
import { Packages, architecture, run } from '../packages/support/packages.js';
import { Container, lackingForContainer } from './support/container.js';
import type { Step } from './support/first_hour.js';
import { type GuestOutcome, runGuest, said } from './support/guest.js';

const MINUTES = 45;

const UNIT = `[Unit]
Description=Greets
[Service]
Type=exec
ExecStart=/usr/bin/python3 /usr/lib/greeter/greeter.py
TimeoutStartSec=300
[Install]
WantedBy=multi-user.target
`;

/** The package of a service: its version says other words. */
function greeter(work: string, version: number, words: string): string {
  const folder = join(work, `greeter-${version}`);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('usr/share/greeter/words', `${words}\n`);
  write('usr/lib/systemd/system/greeter.service', UNIT);
  write(
    'DEBIAN/control',
    `Package: greeter\nVersion: ${version}\nArchitecture: all\nMaintainer: none\nDescription: greets\n`,
  );
  mkdirSync(join(folder, 'usr/lib/greeter'), { recursive: true });
  cpSync(join(root, 'test/system/apps/greeter.py'), join(folder, 'usr/lib/greeter/greeter.py'));
  chmodSync(join(folder, 'DEBIAN'), 0o755);
  const file = `${folder}.deb`;
  run('dpkg-deb', ['--root-owner-group', '--build', folder, file]);
  return file;
}

/** All packages, in a folder that is /in there. */
function packagesIn(work: string, ofCpu: string): string {
  const made = new Packages([ofCpu]);
  const from = join(work, 'in');
  const files = {
    'thaw-exec': made.deb('thaw-exec', architecture(ofCpu)),
    thaw: made.deb('thaw', architecture(ofCpu)),
    'greeter-1': greeter(work, 1, 'one'),
    'greeter-2': greeter(work, 2, 'two'),
  };
  mkdirSync(join(from, 'packages'), { recursive: true });
  for (const [name, file] of Object.entries(files)) cpSync(file, join(from, 'packages', `${name}.deb`));
  rmSync(made.folder, { recursive: true });
  return from;
}

/** One that keeps what is changed in it: a boot, and what a command has printed there. */
type Machine = (command: readonly string[]) => Promise<GuestOutcome>;

interface Row {
  readonly cpu: string;
  readonly what: string;
  readonly lacking: string | undefined;
  readonly machine: (work: string, packages: string) => Machine;
}

const MACHINES: readonly Row[] = [
  {
    cpu: ownCpu,
    what: 'in a container',
    lacking: lackingForContainer(),
    machine: (work, packages) => {
      const container = new Container(work, packages);
      return (command) => container.boot(command);
    },
  },
  {
    cpu: 'aarch64',
    what: 'in a guest',
    lacking: undefined,
    machine: (work, packages) => (command) =>
      runGuest({
        cpu: 'aarch64',
        in: packages,
        more: ['--init', 'systemd', '--changes', join(work, 'changes.img')],
        timeout: 1500,
        command,
      }),
  },
];

async function boot(machine: Machine, what: string): Promise<Readonly<Record<string, string>>> {
  const outcome = await machine(['node', '/share/dist/test/system/support/first_hour.js', what]);
  if (outcome.status !== 0) throw new Error(said(outcome));
  const steps = outcome.stdout.split('\n').filter((line) => line.startsWith('{'));
  return Object.fromEntries(
    steps.map((line) => JSON.parse(line) as Step).map(({ step, said: text }) => [step, text]),
  );
}

for (const { cpu, what, lacking, machine } of MACHINES)
  (lacking === undefined ? test.serial : test.skip)(`a first hour on ${cpu}, ${what}`, async (t) => {
    t.timeout(MINUTES * 60_000);
    const work = mkdtempSync(join(tmpdir(), 'thaw-first-hour-'));
    t.teardown(() => {
      rmSync(work, { recursive: true, force: true });
    });
    const own = machine(work, packagesIn(work, cpu));
    const installed = await boot(own, 'install');
    t.regex(installed['build'] ?? '', /greeter\/[0-9a-f]+\.thaw$/m);

    const upgraded = await boot(own, 'upgrade');
    const told = (step: string): string => upgraded[step] ?? `no step ${step}`;
    t.regex(told('after boot'), /^greets: one/m);
    t.notRegex(told('after boot'), /warming up/);
    t.regex(told('after upgrade'), /warming up/);
    t.regex(told('after rebuild'), /^greets: two/m);
    t.notRegex(told('after rebuild'), /warming up|greets: one/);

    t.log(told('status'));
    const [profile] = (JSON.parse(told('status')) as Status).profiles;
    t.like(profile, { name: 'greeter', stale: null, failures: 0 });
    t.like(profile?.counts, { warm: 1, cold: { input: 1 }, rebuilt: 1, failed: 0 });
  });
