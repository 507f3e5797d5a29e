// thaw-exec is the same wherever it is built: a copy of the sources in another folder, whose path has another length, is built
// there without a compiler cache, by CMake alone, as a device's build system does.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
  const build = join(copy, 'made');
  const env = { ...process.env, CCACHE_DISABLE: '1' };
  const cmake = (...args: readonly string[]): string =>
    execFileSync('cmake', args, { env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
  cmake('-S', join(copy, 'native'), '-B', build, `-DTHAW_CPU=${cpu}`, '-DTHAW_EXEC_ONLY=ON');
  cmake('--build', build, '--parallel', '2');
  const built = readFileSync(join(build, 'thaw-exec'));
  t.true(built.equals(readFileSync(thawExec)), 'two builds differ');
  t.false(built.includes(root), 'it names the folder that it was built in');
});
