// The App API: an app that calls thaw_checkpoint() and asks for the arguments and environment of its launch.
import test from 'ava';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { apps, cli, thawExec } from '../engine/support/paths.js';

test('an app gets the arguments and the environment of each launch', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-deliver-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const program = join(apps, 'deliver');
  const toml = `name = "deliver"
program = "${program}"
args = ["warm"]
[warmup]
until = { call = true }
[launch]
args = "deliver"
`;
  writeFileSync(join(folder, 'deliver.toml'), toml);
  const store = join(folder, 'store');
  execFileSync(process.execPath, [cli, 'build', '--store', store, join(folder, 'deliver.toml')], {
    stdio: 'ignore',
  });
  const launch = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(thawExec, ['--store', store, '--', program, ...args], { cwd: folder, encoding: 'utf8', env });
  const first = launch(['one', 'two'], { LEVEL: '7' });
  t.deepEqual([first.status, first.stdout], [0, '1 started with warm, launched with one two LEVEL=7\n']);
  const second = launch([]);
  t.deepEqual([second.status, second.stdout], [0, '1 started with warm, launched with LEVEL=-\n']);
  const cold = spawnSync(program, ['alone'], { encoding: 'utf8', env: {} });
  t.deepEqual([cold.status, cold.stdout], [0, '0 started with alone, launched with LEVEL=-\n']);
});
