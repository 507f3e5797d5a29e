// The App API: an app that calls thaw_checkpoint() and asks for the arguments and environment of its launch.
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { apps, cli, thawExec } from '../engine/support/paths.js';

test('an app gets the arguments and the environment of each launch', (t) => {
  const folder = temporaryFolder(t);
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

/** Builds an app that calls thaw_checkpoint() with a struct thaw_call in memory of that kind; what the build says, and a launch. */
function callFrom(
  kind: string,
  folder: string,
): { build: SpawnSyncReturns<string>; launch: () => SpawnSyncReturns<string> } {
  const program = join(apps, 'call_memory');
  const definition = join(folder, `${kind}.toml`);
  writeFileSync(
    definition,
    `name = "${kind}"\nprogram = "${program}"\nargs = ["${kind}"]\n[warmup]\nuntil = { call = true }\n`,
  );
  const store = join(folder, `store-${kind}`);
  return {
    build: spawnSync(process.execPath, [cli, 'build', '--store', store, definition], { encoding: 'utf8' }),
    launch: () =>
      spawnSync(thawExec, ['--no-fallback', '--store', store, '--', program, kind], {
        cwd: folder,
        encoding: 'utf8',
        env: {},
      }),
  };
}

function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-deliver-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

// The answer must be seen through every mapping of the memory, and by its descriptor.
for (const kind of ['anonymous', 'mapped', 'memfd'])
  test(`an app gets its answer in shared memory (${kind})`, (t) => {
    const { build, launch } = callFrom(kind, temporaryFolder(t));
    t.is(build.status, 0, build.stderr);
    const first = launch();
    t.deepEqual([first.status, first.stdout], [0, `1 1 1 ${kind}\n`], first.stderr);
    t.is(launch().stdout, `1 1 1 ${kind}\n`);
  });

test('an answer that a launch would lose is refused', (t) => {
  const { build } = callFrom('wiped', temporaryFolder(t));
  t.not(build.status, 0);
  t.regex(build.stderr, /memory that a launch does not bring back/);
});
