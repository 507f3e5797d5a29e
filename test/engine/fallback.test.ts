// Always launches: whatever is wrong with an image, the caller gets its app by a cold start, as from exec.
import test, { type ExecutionContext } from 'ava';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';

import { App, type LaunchOptions } from './support/app.js';
import { withApp } from './support/check.js';
import { root, self, user } from './support/identity.js';
import { apps, thawExec } from './support/paths.js';
import type { Outcome } from './support/process.js';

/** The app answers and says whether it was restored; its exit status arrives. */
const script = ['origin', 'exit 7'];

function expectOrigin(t: ExecutionContext, what: string, outcome: Outcome, origin: 'warm' | 'cold'): void {
  t.deepEqual(
    [outcome.code, outcome.stdout],
    [7, `${origin}\n`],
    `${what}: ${outcome.signal ?? ''}\n${outcome.stderr}`,
  );
}

/** An actor with an image, ready to be launched. */
async function prepare(app: App): Promise<void> {
  await app.start();
  await app.checkpoint();
  app.release(script);
}

function launch(app: App, options: LaunchOptions = {}, image?: string): Promise<Outcome> {
  return app.launch({ flags: [], ...options }, image).outcome;
}

function withActor(
  title: string,
  work: (t: ExecutionContext, app: App) => Promise<void>,
  identity = self,
): void {
  test(title, (t) =>
    withApp(t, { app: 'actor' }, identity, async (app) => {
      await prepare(app);
      await work(t, app);
    }),
  );
}

function damage(image: string, offset: number): void {
  chmodSync(image, 0o644);
  const file = openSync(image, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 0x41;
  writeSync(file, byte, 0, 1, offset);
  closeSync(file);
  chmodSync(image, 0o444);
}

withActor(
  'a good image launches warm, as root and user see it',
  async (t, app) => {
    expectOrigin(t, 'good image', await launch(app), 'warm');
  },
  user,
);

withActor('without an image', async (t, app) => {
  const outcome = await launch(app, {}, join(app.folder, 'none.thaw'));
  expectOrigin(t, 'no image', outcome, 'cold');
  t.is(outcome.stderr, '', 'a fallback is silent');
  const told = await launch(app, { env: { THAW_LOG: 'info' } }, join(app.folder, 'none.thaw'));
  t.regex(told.stderr, /thaw-exec: .*none\.thaw/);
  const refused = await launch(app, { flags: ['--no-fallback'] }, join(app.folder, 'none.thaw'));
  t.is(refused.code, 125);
  t.regex(refused.stderr, /none\.thaw/);
});

withActor('a directory, an empty file, a text in place of an image', async (t, app) => {
  const other = join(app.folder, 'other.thaw');
  mkdirSync(other);
  expectOrigin(t, 'directory', await launch(app, {}, other), 'cold');
  rmSync(other, { recursive: true });
  for (const text of ['', 'THAWIMG\0', 'x'.repeat(100_000)]) {
    writeFileSync(other, text);
    expectOrigin(t, `file of ${text.length} bytes`, await launch(app, {}, other), 'cold');
  }
});

withActor('a truncated image', async (t, app) => {
  const whole = statSync(app.image).size;
  const lengths = [
    whole - 1,
    whole - 8,
    whole - 4096,
    Math.floor(whole * 0.9),
    Math.floor(whole / 2),
    8192,
    4097,
    4096,
    4095,
    512,
    100,
    64,
    12,
    7,
    1,
  ];
  chmodSync(app.image, 0o644);
  for (const length of lengths.filter((value) => value < whole)) {
    truncateSync(app.image, length);
    expectOrigin(t, `cut to ${length} of ${whole} bytes`, await launch(app), 'cold');
  }
});

withActor('an image of an older format version', async (t, app) => {
  chmodSync(app.image, 0o644);
  const file = openSync(app.image, 'r+');
  const version = Buffer.alloc(4);
  readSync(file, version, 0, 4, 8);
  const now = version.readUInt32LE();
  version.writeUInt32LE(now - 1);
  writeSync(file, version, 0, 4, 8);
  closeSync(file);
  expectOrigin(t, 'older version', await launch(app), 'cold');
  const refused = await launch(app, { flags: ['--no-fallback'] });
  t.is(refused.code, 125);
  t.regex(
    refused.stderr,
    new RegExp(`format version ${now - 1}, this thaw has version ${now}; build the image again`),
  );
});

withActor('an image with one byte changed in its header or metadata', async (t, app) => {
  const size = statSync(app.image).size;
  const copy = join(app.folder, 'changed.thaw');
  for (const offset of [
    0,
    7,
    8,
    12,
    16,
    20,
    24,
    32,
    40,
    48,
    60,
    64,
    100,
    size - 1,
    size - 100,
    size - 1000,
  ]) {
    rmSync(copy, { force: true });
    copyFileSync(app.image, copy);
    damage(copy, offset);
    expectOrigin(t, `byte ${offset} of ${size}`, await launch(app, {}, copy), 'cold');
  }
});

withActor('an image that others could have written', async (t, app) => {
  for (const mode of [0o464, 0o446, 0o666]) {
    chmodSync(app.image, mode);
    const outcome = await launch(app, { env: { THAW_LOG: 'info' } });
    expectOrigin(t, `mode ${mode.toString(8)}`, outcome, 'cold');
    t.regex(outcome.stderr, /writ/);
  }
  chmodSync(app.image, 0o444);
  expectOrigin(t, 'mode 444', await launch(app), 'warm');
});

if (root !== undefined && user.uid !== 0) {
  withActor('an image of another user', async (t, app) => {
    chownSync(app.image, user.uid, user.uid);
    expectOrigin(t, 'owned by another user', await launch(app), 'cold');
    chownSync(app.image, 0, 0);
    expectOrigin(t, 'owned by root again', await launch(app), 'warm');
  });

  withActor(
    'an image of a user who has no number in the user namespace',
    async (t, app) => {
      // Owners without one show as nobody, who the caller is.
      const inside = ['unshare', '--user', `--map-user=${user.uid}`, `--map-group=${user.uid}`];
      if ((await app.runAs([...inside, 'true'])).code !== 0) {
        t.log('no user namespaces for users here');
        t.pass();
        return;
      }
      expectOrigin(t, 'own image', await launch(app, { wrapper: inside }), 'warm');
      chownSync(app.image, 12_345, 12_345);
      expectOrigin(t, "a stranger's image", await launch(app, { wrapper: inside }), 'cold');
    },
    user,
  );

  withActor(
    'an unreadable image',
    async (t, app) => {
      chmodSync(app.image, 0o400);
      chownSync(app.image, 0, 0);
      expectOrigin(t, 'unreadable', await launch(app), 'cold');
    },
    user,
  );
}

withActor(
  'an unreadable store',
  async (t, app) => {
    const store = join(app.folder, 'store');
    mkdirSync(store, { mode: 0o000 });
    const command = [thawExec, '--store', store, '--', ...app.command];
    const outcome = await app.runAs(command);
    expectOrigin(t, 'unreadable store', outcome, 'cold');
    const unknown = await app.runAs([thawExec, '--profile', 'no-such-profile', '--', ...app.command]);
    expectOrigin(t, 'unknown profile', unknown, 'cold');
    const missing = await app.runAs([thawExec, '--store', join(app.folder, 'nowhere'), '--', ...app.command]);
    expectOrigin(t, 'missing store', missing, 'cold');
  },
  user,
);

for (const change of ['mtime', 'content', 'setuid'] as const)
  test(`another version of the program: ${change}`, (t) =>
    withApp(t, { app: 'actor' }, self, async (host) => {
      const program = join(host.folder, 'actor');
      copyFileSync(join(apps, 'actor'), program);
      chmodSync(program, 0o755);
      const app = new App('actor', self, { program });
      try {
        await prepare(app);
        expectOrigin(t, 'same program', await launch(app), 'warm');
        if (change === 'mtime') utimesSync(program, 1_000_000, 1_000_000);
        else if (change === 'setuid') chmodSync(program, 0o4755);
        else {
          rmSync(program);
          copyFileSync(join(apps, 'actor'), program);
          chmodSync(program, 0o755);
        }
        expectOrigin(t, change, await launch(app), 'cold');
      } finally {
        await app.end();
      }
    }));

withActor('other arguments', async (t, app) => {
  expectOrigin(t, 'one argument more', await launch(app, { command: [...app.command, 'more'] }), 'cold');
  expectOrigin(
    t,
    'an argument changed',
    await launch(app, { command: [...app.command.slice(0, 3), '/tmp'] }),
    'cold',
  );
  expectOrigin(t, 'the same arguments', await launch(app), 'warm');
});

withActor(
  'no room in the address space',
  async (t, app) => {
    // The app holds 512 MB; cold, it finds its go file and takes nothing.
    expectOrigin(
      t,
      'RLIMIT_AS of 256 MB',
      await launch(app, { wrapper: ['prlimit', `--as=${256 << 20}`] }),
      'cold',
    );
    expectOrigin(
      t,
      'RLIMIT_AS of 2 GB',
      await launch(app, { wrapper: ['prlimit', `--as=${2 ** 31}`] }),
      'warm',
    );
    expectOrigin(
      t,
      'RLIMIT_DATA of 256 MB',
      await launch(app, { wrapper: ['prlimit', `--data=${256 << 20}`] }),
      'cold',
    );
  },
  user,
);

test('too few descriptors allowed', (t) =>
  withApp(t, { app: 'fd_numbers' }, user, async (app) => {
    await app.start();
    await app.checkpoint();
    app.release();
    // The app has descriptor 999; cold, it takes what its limit allows... but its first descriptors are many, too.
    const outcome = await app.launch({
      flags: [],
      wrapper: ['prlimit', '--nofile=950:950'],
      env: { THAW_LOG: 'info' },
    }).outcome;
    t.is(outcome.code, 0, outcome.stderr);
    const said =
      /RLIMIT_NOFILE is 950: Too many open files; raise it \(ulimit -n, LimitNOFILE=\); starting cold\n/;
    t.regex(outcome.stderr, said);
  }));

test('files of a launch are larger than its caller allows', (t) =>
  withApp(t, { app: 'fd_memfd' }, user, async (app) => {
    await app.start();
    await app.checkpoint();
    const outcome = await app.launch({ wrapper: ['prlimit', '--fsize=65536'] }).outcome;
    t.deepEqual([outcome.code, outcome.signal], [125, null], outcome.stderr);
    t.regex(outcome.stderr, /limit of file sizes.*LimitFSIZE=/s);
  }));

withActor('what exec itself would refuse', async (t, app) => {
  const outcomes: [string, number][] = [
    ['/nonexistent/program', 127],
    ['no-such-program-in-path', 127],
    [app.go, 126],
    [app.folder, 126],
  ];
  for (const [program, code] of outcomes)
    for (const flags of [[], ['--store', join(app.folder, 'nowhere')]]) {
      const outcome = await app.runAs([thawExec, ...flags, '--', program, 'argument']);
      t.is(outcome.code, code, `${program}: ${outcome.stderr}`);
      t.not(outcome.stderr, '', 'the caller is told');
    }
});

withActor('a program looked up in PATH, options of the program', async (t, app) => {
  const [, ...rest] = app.command;
  const outcome = await app.runAs([thawExec, 'actor', ...rest], { env: { PATH: `${apps}:/usr/bin:/bin` } });
  expectOrigin(t, 'found in PATH', outcome, 'cold');
  const version = await app.runAs([thawExec, 'sh', '-c', 'echo "$0 $1"', '--version', '--help']);
  t.is(version.stdout, '--version --help\n');
});

test('usage of thaw-exec', (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    const help = await app.runAs([thawExec, '--help']);
    t.is(help.code, 0);
    t.regex(help.stdout, /thaw-exec .*PROGRAM/);
    t.is((await app.runAs([thawExec, '--version'])).code, 0);
    for (const wrong of [['--no-such-option'], [], ['--store'], ['--profile']]) {
      const outcome = await app.runAs([thawExec, ...wrong]);
      t.is(outcome.code, 125, wrong.join(' '));
      t.not(outcome.stderr, '');
    }
  }));

test("no room for the app's own filters of system calls beside the caller's", (t) => {
  if (self.uid !== 0) {
    t.log('only root can see them at the checkpoint');
    return void t.pass();
  }
  return withApp(t, { app: 'seccomp' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    app.release();
    const wrapper = [join(apps, 'call_filtered'), '--full'];
    const env = { THAW_FILTER: 'try', THAW_LOG: 'warn' };
    const { code, stderr } = await launch(app, { wrapper, env });
    t.regex(stderr, /seccomp filters find no room beside the caller's.*starting cold/);
    t.is(code, 1, 'the app cannot set them either, and says so');
  });
});
