// The packages of this machine's CPU, as files: what Debian's checker says, what is in them, that they are the same when they
// are made again; and the npm package installed without network and without a compiler.
import test from 'ava';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cpu, root } from '../engine/support/paths.js';
import { Packages, architecture, run } from './support/packages.js';
import { readSpdx } from './support/spdx.js';

const debian = ['thaw-exec', 'thaw', 'libthaw-dev'] as const;
const own = architecture(cpu);
const arch = (name: string): string => (name === 'libthaw-dev' ? 'all' : own);
const made = new Packages([cpu]);
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

test.after.always(() => {
  rmSync(made.folder, { recursive: true, force: true });
});

test('lintian finds nothing', (t) => {
  const files = debian.map((name) => made.deb(name, arch(name)));
  t.is(
    run('lintian', ['--allow-root', '--fail-on', 'error,warning', '--tag-display-limit', '0', ...files]),
    '',
  );
});

test('packages of one commit are the same whenever they are made', (t) => {
  const again = new Packages([cpu]);
  t.teardown(() => {
    rmSync(again.folder, { recursive: true, force: true });
  });
  t.deepEqual(again.names, made.names);
  for (const name of made.names)
    t.is(sha256(join(again.folder, name)), sha256(join(made.folder, name)), name);
});

test('what is in them', (t) => {
  const list = (name: string): string => run('dpkg-deb', ['-c', made.deb(name, arch(name))]);
  t.regex(list('thaw-exec'), /-rwxr-xr-x root\/root .* \.\/usr\/bin\/thaw-exec\n/);
  t.regex(list('thaw-exec'), /man1\/thaw-exec\.1\.gz/);
  for (const path of ['build/[^/]+/thaw.node', 'dist/launcher/cli.js', 'node_modules/pino/pino.js'])
    t.regex(list('thaw'), new RegExp(` \\./usr/lib/thaw/${path}\n`));
  for (const unit of ['thawd', 'thaw-rebuild@'])
    t.regex(
      list('thaw'),
      new RegExp(`-rw-r--r-- root/root .* \\./usr/lib/systemd/system/${unit}\\.service\n`),
    );
  t.notRegex(list('thaw'), /node_modules\/(ava|typescript|eslint)\//);
  t.regex(list('libthaw-dev'), /usr\/include\/thaw\.h\n/);
  const control = run('dpkg-deb', ['-f', made.deb('thaw', own)]);
  t.regex(control, /^Depends: nodejs \(>= 18\.19\), thaw-exec \(= [^)]+\), libc6 \(>= 2\.\d+\)/m);
});

for (const name of debian)
  test(`the SBOM of ${name}`, (t) => {
    const file = made.deb(name, arch(name));
    const sbom = readSpdx(readFileSync(file.replace(/\.deb$/, '.spdx.json'), 'utf8'));
    t.is(sbom.packages[0]?.checksums?.[0]?.checksumValue, sha256(file));
    const linked = sbom.relationships
      .filter(({ relationshipType }) => relationshipType === 'STATIC_LINK')
      .map(
        ({ relatedSpdxElement }) => sbom.packages.find(({ SPDXID }) => SPDXID === relatedSpdxElement)?.name,
      );
    if (name === 'thaw-exec')
      for (const each of ['libsodium-dev', 'libc6-dev']) t.true(linked.includes(each), each);
    const npm = sbom.packages.filter(({ externalRefs }) =>
      externalRefs?.[0]?.referenceLocator.startsWith('pkg:npm'),
    );
    const packed = run('dpkg-deb', ['-c', file])
      .split('\n')
      .flatMap((line) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(line)?.[1] ?? []);
    t.deepEqual(npm.map((each) => each.name).sort(), packed.sort());
  });

test('a bill that names what is not there is no SBOM', (t) => {
  const file = made.deb('thaw-exec', own).replace(/\.deb$/, '.spdx.json');
  const text = readFileSync(file, 'utf8');
  t.throws(() => readSpdx(text.replace('"SPDXID": "SPDXRef-Debian-cmake', '"SPDXID": "SPDXRef-Other')), {
    message: /not there|nothing/,
  });
  t.throws(() => readSpdx(text.replace('"dataLicense": "CC0-1.0"', '"dataLicense": "MIT"')));
});

test('the npm package installs without network and compiler, and runs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-npm-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const cwd = { cwd: folder };
  run(
    'npm',
    ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', made.path('thaw-', '.tgz')],
    cwd,
  );
  t.is(run('npx', ['--no-install', 'thaw', '--version'], cwd), `thaw ${version}\n`);
  // The addon loads, and the programs beside it are found.
  const listed = run('npx', ['--no-install', 'thaw', 'doctor', '--json'], cwd);
  t.regex(listed, /"name": "ptrace"/);
});
