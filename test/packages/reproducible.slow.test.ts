// thaw-exec is the same wherever it is built: a copy of the sources in another folder, whose path has another length, is built
// there without a compiler cache.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { cpu, root, thawExec, workFolder } from '../engine/support/paths.js';
import { run } from './support/packages.js';

const MINUTES = 30;

test('thaw-exec built in another folder is the same', (t) => {
  t.timeout(MINUTES * 60_000);
  const copy = join(mkdtempSync(join(workFolder('reproducible'), 'another-')), 'folder');
  t.teardown(() => {
    rmSync(dirname(copy), { recursive: true, force: true });
  });
  const sources = run('git', ['ls-files', '-co', '--exclude-standard', 'native', 'cross', 'package.json']);
  for (const file of sources.trim().split('\n')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const options = [
    '--directory',
    'native',
    '--out',
    join(copy, 'build', cpu, 'cmake'),
    `--CDTHAW_CPU=${cpu}`,
  ];
  execFileSync(
    'npx',
    ['--no-install', 'cmake-js', 'build', ...options, '--target', 'thaw-exec', '--parallel', '2'],
    {
      cwd: copy,
      env: { ...process.env, CCACHE_DISABLE: '1' },
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 1 << 26,
    },
  );
  const built = readFileSync(join(copy, 'build', cpu, 'thaw-exec'));
  t.true(built.equals(readFileSync(thawExec)), 'two builds differ');
  t.false(built.includes(root), 'it names the folder that it was built in');
});
