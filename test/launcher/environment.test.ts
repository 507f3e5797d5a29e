// What of the caller's environment an app gets, and what of it means a cold start: never does an app have a wrong value.
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { apps, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { builtWith, python, Workshop } from './support.js';

const lookups = join(apps, 'lookups');

type Variables = Readonly<Record<string, string>>;

class Profile {
  readonly workshop: Workshop;
  constructor(
    t: ExecutionContext,
    readonly command: readonly string[],
    more = '',
    options: readonly string[] = [],
  ) {
    this.workshop = new Workshop(t);
    const [program = '', ...args] = command;
    const top = `name = "app"\nprogram = "${program}"\nargs = ${JSON.stringify(args)}\n`;
    this.workshop.write(
      'app.toml',
      `${top}${more.startsWith('env') ? more : ''}[warmup]\nuntil = { log = "warm$" }\nsettle = "300ms"\n${more.startsWith('[') ? more : ''}`,
    );
    this.files();
    const built = this.workshop.thaw('build', ...options, 'app.toml');
    t.is(built.status, 0, built.stderr);
    this.workshop.write('go', '');
  }

  files(): void {
    this.workshop.write(
      'app.py',
      "import os, time\nprint('warm', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.001)\nprint('launched', os.environ.get('NEW'))\n",
    );
    this.workshop.write(
      'app.js',
      "const fs = require('fs');\nvoid process.env.LOOKED;\nconsole.log('warm');\nconst timer = setInterval(() => {\n  if (!fs.existsSync('go')) return;\n  clearInterval(timer);\n  console.log('launched', process.env.NEW, process.env.LOOKED);\n}, 5);\n",
    );
  }

  launch(
    env: Variables,
    base: Variables = builtWith,
  ): { lines: readonly string[]; warm: boolean; stderr: string } {
    const { stdout, stderr } = spawnSync(thawExec, ['--store', this.workshop.store, '--', ...this.command], {
      cwd: this.workshop.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...base, THAW_LOG: 'warn', ...env },
    });
    const lines = stdout.trimEnd().split('\n');
    return { lines, warm: !lines.includes('warm'), stderr };
  }
}

const after = (values: string): string => `${values} OWN=app GONE=- PUT=App AFTER=1`;

test('what was not looked up is delivered, what was is an input, what the app has set is its own', (t) => {
  const app = new Profile(t, [lookups], 'env = { LOOKED = "secret-1", GONE = "built" }\n');
  const declared = { LOOKED: 'secret-1', GONE: 'built' };
  const plain = app.launch(declared);
  t.deepEqual(plain.lines, [after('NEW=- environ=- LOOKED=secret-1'), 'child='], plain.stderr);

  const delivered = app.launch({ ...declared, NEW: 'one', OWN: 'callers', PUT: 'callers', GONE: 'callers' });
  t.deepEqual(
    delivered.lines,
    [after('NEW=one environ=one shown=one LOOKED=secret-1'), 'child=one'],
    delivered.stderr,
  );
  // Variables that the build has, and nobody looked up, may be missing as well.
  t.true(app.launch(declared, {}).warm);

  for (const [env, how] of [
    [{ LOOKED: 'secret-2' }, /LOOKED has another value than in the image/],
    [{}, /LOOKED is set in the image, not by the caller/],
  ] as const) {
    const cold = app.launch(env);
    t.false(cold.warm);
    t.is(cold.lines[0], `LOOKED=${'LOOKED' in env ? env.LOOKED : '-'}`);
    t.regex(cold.stderr, how);
    t.notRegex(cold.stderr, /secret/);
  }
  const loader = app.launch({ ...declared, LD_BIND_NOW: '1' });
  t.regex(loader.stderr, /LD_BIND_NOW is set by the caller, not in the image/);

  const shown = app.workshop.thaw('show', 'app').stdout;
  t.regex(shown, /inputs +.*\bLOOKED\b/);
  t.regex(shown, /app's own +GONE OWN PUT/);
  t.notRegex(shown, /secret|\bNEW\b/);
});

test('what was looked up in vain is an input, too', (t) => {
  const app = new Profile(t, [lookups]);
  t.true(app.launch({ NEW: 'one' }).warm);
  const cold = app.launch({ LOOKED: 'now' });
  t.is(cold.lines[0], 'LOOKED=now');
  t.regex(cold.stderr, /LOOKED is set by the caller, not in the image/);
});

for (const how of ['walk', 'envp', 'child'])
  test(`all variables are inputs of an app that may have seen them all (${how})`, (t) => {
    const app = new Profile(t, [lookups, how]);
    const cold = app.launch({ NEW: 'one' });
    t.false(cold.warm);
    t.regex(cold.stderr, /NEW is set by the caller, not in the image/);
    t.regex(app.launch({}, {}).stderr, /is set in the image, not by the caller/);
    const warm = app.launch({ INVOCATION_ID: '1', SHLVL: '3', _: '/bin/x' });
    t.true(warm.warm, warm.stderr);
  });

test('an app that has emptied its environment keeps it so', (t) => {
  const app = new Profile(t, [lookups, 'clear']);
  const { lines } = app.launch({ NEW: 'one' });
  t.deepEqual(lines, [after('NEW=- environ=- LOOKED=-'), 'child=']);
});

test('a profile may want the environment delivered, whatever was looked up', (t) => {
  const app = new Profile(t, [lookups], '[launch]\nenv = "deliver"\n');
  const { lines } = app.launch({ NEW: 'one', LOOKED: 'two' });
  t.deepEqual(lines, [after('NEW=one environ=one shown=one LOOKED=two'), 'child=one']);
});

test('a profile may want the environment of the image', (t) => {
  const app = new Profile(t, [lookups], '[launch]\nenv = "image"\n');
  const { lines } = app.launch({ NEW: 'one', LOOKED: 'two' });
  t.deepEqual(lines, [after('NEW=- environ=- LOOKED=-'), 'child=']);
});

test('a profile may name variables that do not matter', (t) => {
  const app = new Profile(t, [lookups, 'walk'], '[launch]\nignore_env = ["LOOK*"]\n');
  const { lines } = app.launch({ LOOKED: 'two' });
  t.deepEqual(lines, [after('NEW=- environ=- LOOKED=two'), 'child=']);
  t.false(app.launch({ NEW: 'one' }).warm);
});

test('CPython copies its environment at start: all variables are inputs', (t) => {
  const app = new Profile(t, [python, 'app.py'], 'env = { LEVEL = "7" }\n');
  t.deepEqual(app.launch({ LEVEL: '7' }).lines, ['launched None']);
  t.deepEqual(app.launch({ LEVEL: '7', NEW: 'one' }).lines, ['warm', 'launched one']);
  t.deepEqual(app.launch({ LEVEL: '8' }).lines, ['warm', 'launched None']);
  const run = app.workshop.thaw('run', 'app', '--no-fallback');
  t.is(run.stdout, 'launched None\n', run.stderr);
});

test('Perl, which frees an environment that it has not seen at its start, ends as it does without a launch', async (t) => {
  const workshop = new Workshop(t);
  workshop.write(
    'app.pl',
    '$| = 1; $SIG{TERM} = sub { exit 0 }; print "warm\n"; while (1) { select undef, undef, undef, 0.01; print "launched\n" if -e "go"; }\n',
  );
  workshop.write(
    'app.toml',
    'name = "app"\nprogram = "/usr/bin/perl"\nargs = ["app.pl"]\n[warmup]\nuntil = { log = "warm$" }\nsettle = "300ms"\n',
  );
  const built = workshop.thaw('build', 'app.toml');
  t.is(built.status, 0, built.stderr);
  workshop.write('go', '');
  const app = spawn(thawExec, ['--store', workshop.store, '--no-fallback', '--', '/usr/bin/perl', 'app.pl'], {
    cwd: workshop.folder,
    env: builtWith,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(app, 'exit');
  await once(app.stdout, 'data');
  app.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

test('an app that has made a copy of its environment gets nothing that it could free: all variables are inputs', (t) => {
  const app = new Profile(t, [lookups, 'copy']);
  t.deepEqual(app.launch({}).lines, ['NEW=-', 'freed']);
  t.deepEqual(app.launch({ NEW: 'one' }).lines, ['warm', 'NEW=one', 'freed']);
});

test('Node reads its environment live', (t) => {
  const app = new Profile(
    t,
    [process.execPath, 'app.js'],
    'env = { UV_USE_IO_URING = "0" }\nadapter = "none"\n', // The adapter reads all of it.
  );
  const env = { UV_USE_IO_URING: '0' };
  t.deepEqual(app.launch({ ...env, NEW: 'one' }).lines, ['launched one undefined']);
  t.deepEqual(app.launch({ ...env, LOOKED: 'two' }).lines, ['warm', 'launched undefined two']);
});

test('an image can be made in the environment of the place where it is launched', (t) => {
  const workshop = new Workshop(t);
  const more = workshop.write('more.env', '# comment\nFILE="of a file"\n');
  const unit = workshop.write(
    'web.service',
    `[Unit]\nDescription=x\n[Service]\nEnvironment="A=1 2" B=three\nEnvironment=C=%%%n\nEnvironmentFile=-/nonexistent\nEnvironmentFile=${more}\nUnsetEnvironment=B LANG\n`,
  );
  const app = new Profile(t, [lookups, 'walk'], '', ['--like-unit', unit]);
  const units = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
    A: '1 2',
    C: '%web.service',
    FILE: 'of a file',
  };
  const warm = app.launch({ INVOCATION_ID: 'x', JOURNAL_STREAM: '8:1' }, units);
  t.true(warm.warm, warm.stderr);
  t.false(app.launch({}).warm);
  const { stdout } = app.workshop.thaw('show', '--json', 'app');
  const { requirements } = JSON.parse(stdout) as { requirements: { environment: readonly string[] } };
  t.deepEqual(
    [...requirements.environment].sort(),
    Object.entries(units)
      .map(([name, value]) => `${name}=${value}`)
      .sort(),
  );

  const file = workshop.write('like', execFileSync('env', ['-0'], { env: { X: 'a\nb', PATH: '/bin' } }));
  const like = new Profile(t, [lookups, 'walk'], '', ['--like-env', file]);
  t.true(like.launch({}, { X: 'a\nb', PATH: '/bin' }).warm);

  rmSync(join(like.workshop.folder, 'go'));
  const rebuilt = like.workshop.thaw('rebuild', 'app');
  t.is(rebuilt.status, 0, rebuilt.stderr);
  like.workshop.write('go', '');
  t.true(like.launch({}, { X: 'a\nb', PATH: '/bin' }).warm);
});
