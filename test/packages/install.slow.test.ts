// The packages of this machine's CPU in a fresh root of Debian, with Debian's own Node.js: installed by dpkg, which checks what
// they depend on, and used.
import test from 'ava';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { cpu, root as project, workFolder } from '../engine/support/paths.js';
import { Packages, architecture, run } from './support/packages.js';

const MINUTES = 15;

const PROFILE = `name = "sleep"
program = "/usr/bin/sleep"
args = ["2"]
cwd = "/"
[warmup]
until = { delay = "300ms" }
settle = "10ms"
[prove]
run = []
`;

const API = '#include <thaw.h>\nint main(void) { return thaw_checkpoint() != THAW_NOT_RUNNING; }\n';

/** Runs a text of the shell in the root, with /proc, /dev and /sys, and ends all that it has started. */
function inside(folder: string, text: string): string {
  const mounts = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --rbind /sys "$1/sys"';
  const enter =
    'exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 sh -ec "$2"';
  const script = `${mounts}; ${enter}`;
  const alone = ['--mount', '--pid', '--fork', '--kill-child'];
  return run('unshare', [...alone, 'sh', '-ec', script, 'sh', folder, text]);
}

(process.getuid?.() === 0 ? test : test.skip)('installed in a fresh root of Debian', (t) => {
  t.timeout(MINUTES * 60_000);
  const made = new Packages([cpu]);
  const work = mkdtempSync(join(workFolder('packages'), 'root-'));
  const root = join(work, 'root');
  t.teardown(() => {
    for (const folder of [made.folder, work]) rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(root);
  run('sh', ['scripts/debian-root.sh']);
  run('tar', ['-xf', 'build/debian-root.tar', '-C', root]);

  const own = architecture(cpu);
  const files = [made.deb('thaw-exec', own), made.deb('thaw', own), made.deb('libthaw-dev', 'all')];
  mkdirSync(join(root, 'packages'));
  for (const file of files) cpSync(file, join(root, 'packages', basename(file)));
  t.regex(inside(root, 'dpkg -i /packages/*.deb'), /Setting up thaw /);
  t.is(inside(root, 'dpkg --verify thaw thaw-exec libthaw-dev'), '');

  t.regex(inside(root, 'thaw --version'), /^thaw \d/);
  t.regex(inside(root, 'thaw-exec --help'), /^usage: thaw-exec/);
  t.is(
    inside(root, 'pkg-config --cflags thaw && pkg-config --variable=includedir thaw').trim(),
    '/usr/include',
  );
  writeFileSync(join(root, 'sleep.toml'), PROFILE);
  inside(root, 'cd / && thaw build sleep.toml && thaw-exec --no-fallback -- /usr/bin/sleep 2');
  t.regex(inside(root, 'thaw list'), /sleep/);
  inside(root, 'cd / && thaw report sleep -o report.html && test -s report.html');
  t.throws(() => inside(root, 'thaw build --target aarch64 --root / sleep.toml'), { message: /in a clone/ });
  inside(root, 'dpkg --purge libthaw-dev thaw thaw-exec && ! test -e /usr/lib/thaw');

  const source = join(work, 'api.c');
  writeFileSync(source, API);
  const program = join(work, 'api');
  run('dpkg-deb', ['-x', made.deb('libthaw-dev', 'all'), join(work, 'headers')]);
  run('cc', ['-Wall', '-Werror', '-I', join(work, 'headers/usr/include'), '-o', program, source]);
  t.is(run(program, [], { cwd: project }), '');
});
