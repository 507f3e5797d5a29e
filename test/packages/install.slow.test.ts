// The packages of this machine's CPU in a fresh root of Debian; of the others: test/system/install.slow.test.ts.
import test from 'ava';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cpu, root as project, workFolder } from '../engine/support/paths.js';
import { expectSteps, script, writeInputs } from './support/fresh_root.js';
import { Packages, run } from './support/packages.js';

const MINUTES = 15;

const API = '#include <thaw.h>\nint main(void) { return thaw_checkpoint() != THAW_NOT_RUNNING; }\n';

/** Runs a text of the shell in the root, with /proc, /dev and /sys, and ends all that it has started. */
function inside(folder: string, text: string): string {
  const mounts = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --rbind /sys "$1/sys"';
  const enter =
    'exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 sh -c "$2"';
  const alone = ['--mount', '--pid', '--fork', '--kill-child'];
  return run('unshare', [...alone, 'sh', '-ec', `${mounts}; ${enter}`, 'sh', folder, text]);
}

(process.getuid?.() === 0 ? test : test.skip)('installed in a fresh root of Debian', (t) => {
  t.timeout(MINUTES * 60_000);
  const work = mkdtempSync(join(workFolder('packages'), 'root-'));
  const root = join(work, 'root');
  t.teardown(() => {
    rmSync(work, { recursive: true, force: true });
  });
  mkdirSync(root);
  run('sh', ['scripts/debian-root.sh']);
  run('tar', ['-xf', 'build/debian-root.tar', '-C', root]);
  writeInputs(cpu, join(root, 'in'));
  expectSteps(t, inside(root, script), '');
});

test('a program is compiled with libthaw-dev', (t) => {
  const made = new Packages([cpu]);
  const work = mkdtempSync(join(workFolder('packages'), 'headers-'));
  t.teardown(() => {
    for (const folder of [made.folder, work]) rmSync(folder, { recursive: true, force: true });
  });
  const source = join(work, 'api.c');
  writeFileSync(source, API);
  const program = join(work, 'api');
  run('dpkg-deb', ['-x', made.deb('libthaw-dev', 'all'), work]);
  run('cc', ['-Wall', '-Werror', '-I', join(work, 'usr/include'), '-o', program, source]);
  t.is(run(program, [], { cwd: project }), '');
});
