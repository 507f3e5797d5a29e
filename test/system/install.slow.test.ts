// The packages of the CPUs of guests, in a fresh root of Debian that mmdebstrap has made for each: installed and used in a guest
// whose root it is. Nothing of the project but the packages is there.
import test from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { GUEST_CPUS } from '../../launcher/cpus.js';
import { workFolder } from '../engine/support/paths.js';
import { expectSteps, script, writeInputs } from '../packages/support/fresh_root.js';
import { run } from '../packages/support/packages.js';
import { runGuest, said } from './support/guest.js';

const MINUTES = 45;

for (const cpu of GUEST_CPUS)
  (process.getuid?.() === 0 ? test.serial : test.skip)(`installed in a fresh root, ${cpu}`, async (t) => {
    t.timeout(MINUTES * 60_000);
    const work = mkdtempSync(join(workFolder('packages'), `${cpu}-`));
    t.teardown(() => {
      rmSync(work, { recursive: true, force: true });
    });
    run('sh', ['scripts/debian-root.sh', '--cpu', cpu]);
    const image = join(work, 'root.squashfs');
    const pack = 'sqfstar -quiet -no-progress -comp lz4 "$1" <"$0"';
    run('sh', ['-c', pack, `build/debian-root-${cpu}.tar`, image]);
    writeInputs(cpu, join(work, 'in'));
    const outcome = await runGuest({
      cpu,
      root: image,
      in: join(work, 'in'),
      share: null,
      timeout: 1800,
      // By its path: the shell of the guest's tools prefers their programs, and dpkg is one.
      command: ['/bin/sh', '-c', script],
    });
    expectSteps(t, outcome.stdout, said(outcome));
  });
