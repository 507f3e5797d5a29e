// The packages of the CPUs of guests: made, checked, unpacked, and thaw-exec run under QEMU's user emulation.
import test from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { withCores } from '../engine/support/cores.js';
import { root, workFolder } from '../engine/support/paths.js';
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { Packages, architecture, run } from '../packages/support/packages.js';

for (const cpu of GUEST_CPUS)
  test(`packages for ${cpu}`, async (t) => {
    const made = new Packages([cpu]);
    const folder = mkdtempSync(join(workFolder('packages'), `${cpu}-`));
    t.teardown(() => {
      for (const each of [made.folder, folder]) rmSync(each, { recursive: true, force: true });
    });
    const [program, launcher] = ['thaw-exec', 'thaw'].map((name) => made.deb(name, architecture(cpu)));
    const lintian = ['--allow-root', '--fail-on', 'error,warning', '--tag-display-limit', '0'];
    t.is(run('lintian', [...lintian, program ?? '', launcher ?? '']), '');
    run('dpkg-deb', ['-x', program ?? '', folder]);
    const exec = join(folder, 'usr/bin/thaw-exec');
    const emulated = (...args: readonly string[]): Promise<string> =>
      withCores(1, () => Promise.resolve(run(join(root, 'cross/user.sh'), [cpu, exec, ...args])));
    t.regex(await emulated('--help'), /^usage: thaw-exec/);
    t.is(await emulated('--', '/bin/echo', 'cold'), 'cold\n');
    run('dpkg-deb', ['-x', launcher ?? '', folder]);
    t.regex(run('file', ['-b', join(folder, 'usr/lib/thaw/build', cpu, 'thaw.node')]), /shared object/);
  });
