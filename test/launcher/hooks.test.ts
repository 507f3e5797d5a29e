// Hooks of the App API (native/include/thaw.h): their order, and what becomes of a launch whose hooks fail or hang.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { apps, cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';

const cpp = join(apps, 'hooks_cpp');

class Hooks {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'thaw-hooks-')));
  readonly store = join(this.folder, 'store');

  constructor(
    t: ExecutionContext,
    private readonly program = join(apps, 'hooks'),
  ) {
    t.teardown(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  build(argument: string, more = ''): SpawnSyncReturns<string> {
    const toml = join(this.folder, 'hooks.toml');
    writeFileSync(
      toml,
      `name = "hooks"\nprogram = "${this.program}"\nargs = ["${argument}"]\n[warmup]\nuntil = { call = true }\n${more}`,
    );
    return spawnSync(process.execPath, [cli, 'build', '--store', this.store, toml], { encoding: 'utf8' });
  }

  launch(env: Readonly<Record<string, string>>, options: readonly string[] = []): SpawnSyncReturns<string> {
    return spawnSync(thawExec, [...options, '--store', this.store, '--', this.program, 'hooks'], {
      cwd: this.folder,
      encoding: 'utf8',
      env,
      timeout: PATIENCE_MS,
    });
  }
}

test('hooks run in order before a checkpoint, reversed in a launch, or the app starts cold', (t) => {
  const hooks = new Hooks(t);
  const built = hooks.build('hooks');
  t.is(built.status, 0, built.stderr);

  const good = hooks.launch({ MODE: 'x' });
  t.is(good.signal, null, good.stderr);
  t.is(good.stdout, `after second 1 x\nafter first 1 x\n1 ${good.pid}\n`);

  // A cold start of the same process, in the caller's folder, with its arguments and none of the app's own descriptors
  // and ignored signals.
  for (const action of ['fail', 'hang', 'spin']) {
    const failed = hooks.launch({ ACTION: action });
    const cold = `main\n${hooks.folder} -1 0\n0 ${failed.pid}\n`;
    t.deepEqual([failed.status, failed.stdout], [0, `after second 1 -\n${cold}`], action);
  }
  t.is(hooks.launch({ ACTION: 'fail' }, ['--no-fallback']).status, 125);
});

test('no image is made when a hook fails before the checkpoint', (t) => {
  const { status, stderr } = new Hooks(t).build('refusing');
  t.is(status, 1);
  t.regex(stderr, /one of the app's hooks failed before the checkpoint/);
});

test('in C++: a generator that was seeded once draws anew, and the time zone is that of the launch', (t) => {
  const hooks = new Hooks(t, cpp);
  const built = hooks.build('hooks', '[launch]\nenv = "deliver"\n');
  t.is(built.status, 0, built.stderr);
  const draws = ['XXX-5', 'XXX-7'].map((zone) => {
    const { stdout, stderr } = hooks.launch({ TZ: zone });
    const [, hour, number] = /^1 (\d+) (\d+)\n$/.exec(stdout) ?? [];
    t.is(hour, zone.slice(4), stderr);
    return number;
  });
  t.not(draws[0], draws[1]);
});
