// exec semantics: to its caller, a launched app is the app.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  symlinkSync,
  existsSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';

import { shellWord } from '../../launcher/shell.js';
import { PATIENCE_MS } from '../patience.js';
import type { App, LaunchOptions } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { type Identity, identities, root, self, user } from './support/identity.js';
import { thawExec } from './support/paths.js';
import { type Outcome, sleep, until } from './support/process.js';
import { statusField } from './support/status.js';

function withActor(
  title: string,
  work: (t: ExecutionContext, app: App, identity: Identity) => Promise<void>,
): void {
  for (const identity of identities)
    test(`${title} as ${identity.name}`, (t) =>
      withApp(t, { app: 'actor' }, identity, async (app) => {
        await app.start();
        await app.checkpoint();
        await work(t, app, identity);
      }));
}

/** Launches an actor that follows `script`. */
function act(app: App, script: readonly string[], options: LaunchOptions = {}): Promise<Outcome> {
  app.release(script);
  return app.launch(options).outcome;
}

withActor('exit status and fatal signals', async (t, app) => {
  for (const code of [0, 1, 42, 255]) t.is((await act(app, [`exit ${code}`])).code, code);
  t.is((await act(app, ['raise 15'])).signal, 'SIGTERM');
  t.is((await act(app, ['raise 9'])).signal, 'SIGKILL');
  t.is((await act(app, ['raise 11'])).signal, 'SIGSEGV');
  t.is((await act(app, ['abort'])).signal, 'SIGABRT');
});

withActor("standard streams, arguments and ids are the caller's", async (t, app) => {
  const input = join(app.folder, 'input');
  writeFileSync(input, 'read from the caller\n');
  const script = ['print to the caller', 'echo', 'args', 'origin'];
  const outcome = await act(app, script, { stdin: input });
  const expected = ['to the caller', 'read from the caller', ...app.command, 'warm', ''];
  t.is(outcome.stdout, expected.join('\n'));

  app.release(['ids']);
  const launched = app.launch();
  const ids = (await launched.outcome).stdout.trim().split(' ').map(Number);
  // The driver starts each launch as a session of its own.
  t.deepEqual(ids.slice(1), [launched.pid, process.pid, launched.pid, launched.pid]);
});

withActor('no descriptor of the launcher or the caller is left', async (t, app) => {
  const before = await app.runAs([
    'sh',
    '-c',
    'exec 5</dev/null 9</dev/null; exec "$@"',
    'sh',
    thawExec,
    '--image',
    app.image,
    '--no-fallback',
    '--',
    ...releaseAnd(app, ['descriptors']),
  ]);
  t.is(before.stdout.trim(), '0 1 2');
  app.release(['descriptors']);
  const cold = await app.launch({ flags: [] }, join(app.folder, 'none')).outcome;
  t.is(cold.stdout.trim(), '0 1 2', 'a cold start');
});

function releaseAnd(app: App, script: readonly string[]): readonly string[] {
  app.release(script);
  return app.command;
}

withActor('/proc and ps show the app', async (t, app, identity) => {
  app.hold();
  const launched = await app.launchAndHold();
  const proc = (name: string): string => readFileSync(`/proc/${launched.pid}/${name}`, 'latin1');
  t.is(proc('comm'), 'actor\n');
  t.is(proc('cmdline'), [...app.command, ''].join('\0'));
  t.regex(proc('environ'), /(^|\0)LC_ALL=C\0/);
  if (identity.name === 'root') t.is(readlinkSync(`/proc/${launched.pid}/exe`), app.command[0] ?? '');
  if (existsSync('/usr/bin/ps')) {
    const shown = await app.runAs(['ps', '-o', 'comm=,args=', '-ww', '-p', String(launched.pid)]);
    t.is(shown.stdout.trim().replace(/ +/, ' '), `actor ${app.command.join(' ')}`);
  }
  app.release(['exit 3']);
  t.is((await launched.outcome).code, 3);
});

withActor('signals, stop and continue', async (t, app) => {
  app.release(['catch 10', 'exit 5']);
  const catching = app.launch();
  await until('the handler to stand', () => catching.stdout.includes('waiting'));
  catching.kill('SIGUSR1');
  const outcome = await catching.outcome;
  t.is(outcome.code, 5);
  t.regex(outcome.stdout, /caught 10/);

  app.release(['pause']);
  const pausing = app.launch();
  await until('the app to wait', () => pausing.stdout.includes('waiting'));
  process.kill(-pausing.pid, 'SIGSTOP');
  await until('the app to stop', () => statusField(pausing.pid, 'State') === 'T');
  process.kill(-pausing.pid, 'SIGCONT');
  await until('the app to go on', () => statusField(pausing.pid, 'State') !== 'T');
  process.kill(-pausing.pid, 'SIGINT');
  t.is((await pausing.outcome).signal, 'SIGINT');
});

/** Runs a shell on a pseudo-terminal of its own and types `keys` at it, each when `when` has appeared in its output. */
async function onTerminal(
  app: App,
  shell: string,
  keys: readonly { when: string; type: string }[],
): Promise<string> {
  const typed = join(app.folder, 'typed');
  const steps = keys.map(
    ({ when, type }) => `until grep -q '${when}' ${typed}; do sleep 0.02; done; printf '${type}'`,
  );
  const command = `(${steps.join('; ')}; sleep 0.5) | timeout 20 script -qefc ${shellWord(shell)} /dev/null >${typed} 2>&1`;
  await app.runAs(['sh', '-c', `: >${typed}; ${command}`], { timeout: PATIENCE_MS });
  return readFileSync(typed, 'latin1');
}

withActor('Ctrl-C and Ctrl-Z on a terminal', async (t, app) => {
  app.release(['pause']);
  const launch = [thawExec, '--image', app.image, '--no-fallback', '--', ...app.command]
    .map(shellWord)
    .join(' ');
  const interrupted = await onTerminal(app, `sh -c ${shellWord(`trap : INT; ${launch}; echo status=$?`)}`, [
    { when: 'waiting', type: '\\003' },
  ]);
  t.regex(interrupted, /status=130/);
  const job = `trap : INT; ${launch}; echo stopped=$?; jobs -l; fg; echo status=$?`;
  const stopped = await onTerminal(app, `bash --norc -imc ${shellWord(job)}`, [
    { when: 'waiting', type: '\\032' },
    { when: 'Stopped', type: '\\003' },
  ]);
  t.regex(stopped, /stopped=148/);
  t.regex(stopped, /status=130/);
});

for (const identity of identities)
  test(`what the caller sets as ${identity.name}`, (t) =>
    withApp(t, { app: 'process_caller' }, identity, async (app) => {
      await app.start();
      await app.checkpointStartedIn('/');
      const cwd = app.scratch;
      const nice = getPriority();
      const expected = [
        'umask 0027',
        'nofile 300',
        'stack 4194304',
        'core 0',
        `nice ${Math.min(nice + 7, 19)}`,
        `cwd ${cwd}`,
        `uid ${identity.uid}`,
        `euid ${identity.uid}`,
        `ppid ${process.pid}`,
        'pid-differs 1',
        'sighup-ignored 1',
        'sigusr2-ignored 0',
      ];
      const shell =
        'umask 0027; trap "" HUP; exec nice -n 7 prlimit --nofile=300:300 --stack=4194304 --core=0 "$@"';
      const wrapper = ['sh', '-c', shell, 'sh'];
      app.release(expected);
      for (let i = 0; i < 3; i++) expectSuccess(t, 'launch', await app.launch({ wrapper, cwd }).outcome);
      // Another caller, other values.
      app.release(['umask 0077', `nice ${nice}`, 'cwd /', 'sighup-ignored 0', 'nofile 500']);
      expectSuccess(
        t,
        'second caller',
        await app.launch({
          wrapper: ['sh', '-c', 'umask 0077; exec prlimit --nofile=500:500 "$@"', 'sh'],
          cwd: '/',
        }).outcome,
      );
      // What a cold start makes of the same caller is the same.
      app.release(expected.filter((line) => !line.startsWith('pid-differs')));
      expectSuccess(
        t,
        'cold start',
        await app.launch({ wrapper, cwd, flags: [] }, join(app.folder, 'none')).outcome,
      );
    }));

test('what an app has set itself that thaw has not started', (t) =>
  withApp(t, { app: 'process_own' }, self, async (app) => {
    await app.start();
    const { code, stderr } = await app.tryCheckpoint();
    t.is(code, 0, stderr);
    t.regex(stderr, /umask 0077, thaw has 00\d\d.*sets the app's again/);
    t.regex(stderr, /RLIMIT_NOFILE 64:64, thaw has .*sets the app's again/);
    t.regex(stderr, /nice value \d+, thaw has \d+.*has its caller's/);
    app.release();
    const wrapper = ['sh', '-c', 'umask 022; exec "$@"', 'sh'];
    expectSuccess(t, 'launch', await app.launch({ wrapper }).outcome);
  }));

for (const identity of identities)
  test(`output and errors go where this caller wants them as ${identity.name}`, (t) =>
    withApp(t, { app: 'stdio' }, identity, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release();
      const apart = await app.launch().outcome;
      expectSuccess(t, 'launch', apart);
      t.is(apart.stdout, 'to 1\n');
      t.is(apart.stderr, 'to 2\n');
      const together = await app.launch({ wrapper: ['sh', '-c', 'exec "$@" 2>&1', 'sh'] }).outcome;
      t.is(together.stdout, 'to 1\nto 2\n');
      app.release(['closed 2']);
      const closed = await app.launch({ wrapper: ['sh', '-c', 'exec "$@" 2>&-', 'sh'] }).outcome;
      t.is(closed.stdout, '2 is closed\n');
    }));

test('descriptors of a child after exec', (t) =>
  withApp(t, { app: 'process_children' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    app.release(['child-fds 0 1 2 3 ']);
    expectSuccess(t, 'launch', await app.launch().outcome);
  }));

/** struct vfs_cap_data of <linux/capability.h>: version 2, effective; CAP_SYS_ADMIN. */
function setCapability(file: string): void {
  const capability = '0100000200002000000000000000000000000000';
  const set = `import os; os.setxattr('${file}', 'security.capability', bytes.fromhex('${capability}'))`;
  execFileSync('python3', ['-c', set]);
}

// Idea 7 (docs/ideas.md): no image may carry privilege across.
if (root !== undefined) {
  const identity = root;
  test('a thaw-exec with file capabilities hands them to no image', (t) =>
    withApp(t, { app: 'actor' }, user, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release(['origin']);
      const launch = async (program: string, ...flags: string[]): Promise<Outcome> =>
        app.runAs([program, '--image', app.image, ...flags, '--', ...app.command]);
      const privileged = join(app.folder, 'thaw-exec');
      copyFileSync(thawExec, privileged);
      chmodSync(privileged, 0o755);
      const store = join(app.folder, 'store');
      const profile = join(store, 'profiles', 'app');
      mkdirSync(profile, { recursive: true });
      symlinkSync(app.image, join(profile, 'current.thaw'));
      const byProfile = [privileged, '--profile', 'app', '--', ...app.command];
      const everyWay = async (): Promise<string[]> => [
        (await launch(privileged)).stdout,
        (await app.runAs([privileged, '--store', store, ...byProfile.slice(1)])).stdout,
        (await app.runAs(byProfile, { env: { THAW_STORE: store, THAW_FEED: 'off' } })).stdout,
      ];
      t.deepEqual(await everyWay(), ['warm\n', 'warm\n', 'warm\n']);
      setCapability(privileged);
      t.deepEqual(await everyWay(), ['cold\n', 'cold\n', 'cold\n']);
      const refused = await launch(privileged, '--no-fallback');
      t.is(refused.code, 125);
      t.regex(refused.stderr, /file capabilities/);
    }));

  test('root that may do less than root gets nothing from a thaw-exec with file capabilities', (t) =>
    withApp(t, { app: 'actor' }, identity, async (app) => {
      const less = ['setpriv', '--securebits=+noroot', '--inh-caps=-all', '--bounding-set=-all,+sys_admin'];
      const privileged = join(app.folder, 'thaw-exec');
      copyFileSync(thawExec, privileged);
      chmodSync(privileged, 0o755);
      await app.start();
      await app.checkpoint();
      app.release(['origin']);
      const launch = (): Promise<Outcome> =>
        app.runAs([...less, privileged, '--image', app.image, '--', ...app.command]);
      t.is((await launch()).stdout, 'warm\n');
      setCapability(privileged);
      t.is((await launch()).stdout, 'cold\n');
    }));

  test('an app that gave its rights away never gets them back', (t) =>
    withApp(t, { app: 'process_setuid' }, identity, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release();
      const outcome = await app.launch().outcome;
      t.true(outcome.code === 0 || outcome.code === 125, `exit ${outcome.code}\n${outcome.stderr}`);
    }));
}

if (root !== undefined && user.uid !== 0) {
  test('an image of an app of root, launched by a user: a cold start, for the reason of its ids', (t) =>
    withApp(t, { app: 'actor' }, root ?? self, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release(['origin', 'exit 4']);
      app.openScratch();
      const launch = { wrapper: user.prefix, flags: [], env: { THAW_LOG: 'warn' } };
      for (const [mode, reason] of [
        [0o400, /Permission denied/],
        [0o444, /made by user 0/],
      ] as const) {
        chmodSync(app.image, mode);
        const outcome = await app.launch(launch).outcome;
        t.is(outcome.code, 4, outcome.stderr);
        t.is(outcome.stdout, 'cold\n');
        t.regex(outcome.stderr, reason);
      }
    }));
}

test('a launch that takes long is no longer than it has to be', (t) =>
  withApp(t, { app: 'memory_sparse' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    app.release();
    await sleep(10);
    const start = performance.now();
    expectSuccess(t, 'launch', await app.launch().outcome);
    t.true(performance.now() - start < 1000, 'a sparse 4 GB area costs next to nothing');
  }));
