// What a profile declares in `env` is part of the warm state: a caller that sets another value gets a cold start.
import test from 'ava';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';

const program = `import os, sys, time
level = os.environ['LEVEL']
started = time.time()
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('launched', level, flush=True)
`;

test('another value of a declared variable starts cold, the same or none launches warm', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-env-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'app.py'), program);
  const toml = `name = "env"
program = "python3"
args = ["app.py"]
env = { LEVEL = "7" }
[warmup]
until = { log = "warm" }
`;
  writeFileSync(join(folder, 'env.toml'), toml);
  const store = join(folder, 'store');
  execFileSync(process.execPath, [cli, 'build', '--store', store, join(folder, 'env.toml')], {
    stdio: 'ignore',
  });
  writeFileSync(join(folder, 'go'), '');
  const launch = (env: Readonly<Record<string, string>>) => {
    const { PATH } = process.env;
    const args = ['--store', store, '--', 'python3', 'app.py'];
    return spawnSync(thawExec, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH, THAW_LOG: 'warn', ...env },
    });
  };
  t.is(launch({ LEVEL: '7' }).stdout, 'launched 7\n');
  t.is(launch({}).stdout, 'launched 7\n');
  const cold = launch({ LEVEL: '8' });
  t.is(cold.stdout, 'warm\nlaunched 8\n');
  t.regex(cold.stderr, /LEVEL=7.*LEVEL=8.*starting cold/);
});
