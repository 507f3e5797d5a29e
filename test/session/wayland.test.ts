// Windows on a compositor (weston without a screen): each launch has a window of its own, which is shown before the app runs.
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';

import { thawExec } from '../engine/support/paths.js';
import { Workshop, builtWith } from '../launcher/support.js';
import { Display, compiledWindow, drawing } from './display.js';
import { withFakeServer } from './fake_server.js';

for (const pool of ['keep', 'close'])
  test(`a window, whose pool the app ${pool}s`, async (t) => {
    const workshop = new Workshop(t);
    const compositor = new Display(t, workshop);
    await compositor.start();
    const command = [compiledWindow(workshop), pool];
    compositor.build(command);
    t.regex(workshop.thaw('show', 'window').stdout, /session +replay +to .*, Wayland: .* 1 surface/);
    for (let i = 0; i < 3; ++i) {
      const { stdout, stderr, status } = compositor.launch(command);
      t.is(stdout, 'frames 8\n', stderr); // Cold, it says that it is shown, too.
      t.is(status, 0, stderr);
    }
    await compositor.start(); // Another one of the same kind.
    const restarted = compositor.launch(command);
    t.is(restarted.stdout, 'frames 8\n', restarted.stderr);
    await compositor.stop();
    const alone = compositor.launch(command);
    t.is(alone.stdout, 'no compositor\n');
    t.regex(alone.stderr, /cannot connect to .*wayland-7.*starting cold/);
  });

test('three at once', async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const command = [compiledWindow(workshop), 'close'];
  compositor.build(command);
  workshop.write('go', '');
  const outputs = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise<string>((resolve) => {
          const child = spawn(thawExec, ['--store', workshop.store, '--', ...command], {
            cwd: workshop.folder,
            env: { ...builtWith, ...compositor.env, THAW_LOG: 'warn' },
          });
          let output = '';
          for (const stream of [child.stdout, child.stderr])
            stream.on('data', (data: Buffer) => {
              output += data.toString();
            });
          child.once('close', () => {
            resolve(output);
          });
        }),
    ),
  );
  t.deepEqual(outputs, ['frames 8\n', 'frames 8\n', 'frames 8\n']);
});

/** Each of the launches draws what the app had still to draw. */
async function drawsOn(t: ExecutionContext, what: string, launches: number): Promise<void> {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const command = [compiledWindow(workshop), 'close', what];
  compositor.build(command);
  for (let i = 0; i < launches; ++i) {
    const { stdout, stderr } = compositor.launch(command);
    t.is(stdout, 'frames 8\n', stderr);
  }
}

test('an app of several processes', async (t) => {
  if (process.getuid?.() !== 0) return void t.pass('only root builds such apps');
  await drawsOn(t, 'child', 2);
});

test('an app that asks when its frames are shown', (t) => drawsOn(t, 'feedback', 3));

test("weston's own client, which never stops drawing", async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const built = workshop.thaw('build', compositor.drawingProfile());
  t.is(built.status, 0, built.stderr);
  const { stderr, status } = spawnSync(
    'timeout',
    ['2', thawExec, '--store', workshop.store, '--', drawing.program],
    {
      encoding: 'utf8',
      cwd: workshop.folder,
      env: { ...builtWith, ...compositor.env, ...drawing.env, THAW_LOG: 'info' },
    },
  );
  t.notRegex(stderr, /starting cold|error/);
  t.is(status, 124, 'it goes on until it is ended');
  t.true((stderr.match(/wl_surface@\d+\.commit/g) ?? []).length > 3, 'it draws frame after frame');
});

/** Servers that are none. */
const fake = `const ways = {
  silence: () => {},
  close: (s) => s.destroy(),
  garbage: (s) => s.write(Buffer.alloc(3000, 0x9b)),
  half: (s) => s.write(Buffer.from('0200000000002400', 'hex')),
  error: (s) => s.write(Buffer.from('010000000000180001000000000000000400000061626300', 'hex')),
  others: (s) => s.write(Buffer.from('020000000000180001000000040000006162630001000000', 'hex')),
  flood: (s) => { const all = Buffer.alloc(65536, Buffer.from('0900000000000800', 'hex'));
    const more = () => { while (s.write(all)); }; s.on('drain', more); more(); },
};
`;

const ways: Readonly<Record<string, RegExp>> = {
  silence: /does not tell of wl_registry|not answered within 2 s/,
  close: /closed the connection|Broken pipe|reset by peer/i,
  garbage: /what is no message/,
  half: /does not tell of wl_registry|not answered within 2 s/,
  error: /has complained/,
  others: /tells of wl_registry otherwise|not answered within 2 s/,
  flood:
    /does not tell of wl_registry|tells of object 9 otherwise|sends more than was asked for|not answered within 2 s/,
};

test('whatever the compositor does, the app comes, cold, within two seconds', async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const command = [compiledWindow(workshop), 'close'];
  compositor.build(command);
  await compositor.stop();
  for (const [way, says] of Object.entries(ways)) {
    await withFakeServer(t, fake, compositor.path, way, () => {
      const begin = performance.now();
      // Cold, the client waits for such a server for ever.
      const { stderr } = spawnSync('timeout', ['3', thawExec, '--store', workshop.store, '--', ...command], {
        cwd: workshop.folder,
        encoding: 'utf8',
        env: { ...builtWith, ...compositor.env, THAW_LOG: 'warn' },
      });
      t.true(performance.now() - begin < 3900, way);
      t.regex(stderr, says, way);
      t.regex(stderr, /starting cold/, way);
    });
  }
});
