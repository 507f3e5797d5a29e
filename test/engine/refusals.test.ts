// State that cannot be restored is refused by name, with the remedy; the app runs on and no image is left.
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { expectSuccess, withApp } from './support/check.js';
import { self, user } from './support/identity.js';
import { cli } from './support/paths.js';
import { until } from './support/process.js';
import { refusals } from './support/refused.js';
import type { Row } from './support/rows.js';
import { statusField } from './support/status.js';

/** Of the row mono-area, whose name counts. */
test.after.always(() => {
  const shared = '/dev/shm';
  for (const name of readdirSync(shared))
    if (name.startsWith('mono.thaw-test.')) rmSync(join(shared, name), { force: true });
});

for (const { app: name, what, says, never, asked, only, ofUser } of refusals) {
  if (only === 'root' && self.name !== 'root') continue;
  const row: Row = { app: name, args: [what] };
  test(`refused: ${what}`, (t) =>
    withApp(t, row, ofUser === true ? user : self, async (app) => {
      await app.start();
      const outcome = await app.tryCheckpoint({ leaveRunning: true });
      t.is(outcome.code, 1, `exit code\n${outcome.stdout}${outcome.stderr}`);
      for (const pattern of says) t.regex(outcome.stderr, pattern);
      if (never !== undefined) t.notRegex(outcome.stderr, never);
      // What doctor finds, without stopping it, is what the checkpoint has refused.
      const doctor = await app.runAs([process.execPath, cli, 'doctor', '--pid', String(app.running.pid)]);
      // An ordinary user lacks something of the kernel's as well.
      t.is(doctor.code, asked === true && ofUser !== true ? 0 : 1, doctor.stdout);
      if (asked !== true)
        for (const pattern of says.filter(({ source }) => !/things|- /.test(source)))
          t.regex(doctor.stdout, pattern);
      t.false(existsSync(app.image), 'an image was left');
      t.deepEqual(
        readdirSync(app.folder).filter((name) => name.includes('thaw')),
        [],
        'something was left beside the image',
      );
      app.release();
      expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
    }));
}

test('what only a message holds follows the policies, but cannot be left out', (t) =>
  withApp(t, { app: 'refused', args: ['rights'] }, self, async (app) => {
    await app.start();
    const file = { type: 'file', path: '*/flying.db' };
    const ignored = await app.tryCheckpoint({
      policies: [{ ...file, action: 'ignore' }],
      leaveRunning: true,
    });
    t.is(ignored.code, 1, ignored.stdout);
    t.regex(ignored.stderr, /descriptor 77 .*\(SCM_RIGHTS\) in its queue that a policy leaves out/);
    await app.checkpoint({ policies: [{ ...file, action: 'reopen' }] });
    app.release();
    expectSuccess(t, 'a launch', await app.launch().outcome);
  }));

const display = /Wayland compositor|X server/;

/** Where an app is connected to; null: `reconnect` is offered. */
const peers: readonly (readonly [address: string, protocol: RegExp | null])[] = [
  ['wayland-1', display],
  ['other-compositor', display],
  ['.X11-unix/X0', display],
  ['@/tmp/.X11-unix/X77', display],
  ['127.0.0.1:6011', display],
  ['127.0.0.1:6063', display],
  ['127.0.0.2:6007', display],
  ['dbus/system_bus_socket', /system bus/],
  ['@/tmp/dbus-Rq1', /a bus/],
  ['at-spi/bus_0', /accessibility bus/],
  ['pulse/native', /PulseAudio/],
  ['pipewire-0', /PipeWire/],
  ['jack_default_0_0', /JACK/],
  ['@thaw-kiosk-bus', /session bus/],
  ['127.0.0.1:4713', /PulseAudio/],
  ['remote', /PipeWire/],
  ['database', null],
  ['compositor', null],
  ['127.0.0.1:6064', null],
  ['127.0.0.2:6000', null],
];

test('refused: connections of protocols with a state, for which reconnect is not offered', (t) =>
  withApp(
    t,
    {
      app: 'refused',
      args: ['peers', ...peers.map(([address]) => address)],
      env: {
        WAYLAND_DISPLAY: 'other-compositor',
        DISPLAY: 'host:7.0',
        DBUS_SESSION_BUS_ADDRESS: 'tcp:host=localhost;unix:abstract=thaw-kiosk-bus,guid=01',
        PULSE_SERVER: '{01}unix:/run/sound tcp:127.0.0.1:4713',
        PIPEWIRE_REMOTE: 'remote',
      },
    },
    self,
    async (app) => {
      await app.start();
      const { stderr } = await app.tryCheckpoint({ leaveRunning: true });
      for (const [i, [address, protocol]] of peers.entries()) {
        const told = stderr.split('\n- ').find((text) => text.startsWith(`descriptor ${77 + i} `)) ?? '';
        t.true(told.includes(address), `${address}: ${stderr}`);
        if (protocol === null) t.regex(told, /"reconnect"/);
        else {
          t.regex(told, protocol);
          t.notRegex(told, /reconnect/);
        }
      }
      app.release();
      expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
    },
  ));

test('refused: a seccomp filter that no ordinary user can read', (t) =>
  withApp(t, { app: 'seccomp' }, user, async (app) => {
    await app.start();
    const { stderr } = await app.tryCheckpoint({ leaveRunning: true });
    t.regex(stderr, /seccomp filter, which only root.*\n.*profile as root/);
    app.release();
    expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
  }));

/** The lock of an app whose main thread has an id that may stand in memory by chance. */
const small = {
  'a lock whose owner has a small id': {
    app: { app: 'locks', args: ['recursive', 'small'] },
    refusal: (pid: number) => new RegExp(`recursive mutex at [0-9a-f]+ is held by thread ${pid}\\b`),
    remedy: /holds no such lock/,
  },
  'a lock that a thread with a small id waits for': {
    app: { app: 'locks_waiter', args: ['small'] },
    refusal: (pid: number) => new RegExp(`thread ${pid}\\b.* waits for a lock that keeps its owner's id`),
    remedy: /no thread waits for such a lock/,
  },
} as const;

for (const [title, { app: arguments_, refusal, remedy }] of Object.entries(small))
  test(`refused: ${title}`, (t) =>
    withApp(t, arguments_, self, async (app) => {
      await app.start();
      const pid = Number(readFileSync(join(app.scratch, 'pid'), 'utf8'));
      const outcome = await app.tryCheckpoint({ leaveRunning: true }, app.image, pid);
      t.is(outcome.code, 1, outcome.stderr);
      t.regex(outcome.stderr, refusal(pid));
      t.regex(outcome.stderr, remedy);
      t.false(existsSync(app.image), 'an image was left');
      app.release();
      expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
    }));

test('a policy for a type of state that there is none of', (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    await app.start();
    const outcome = await app.tryCheckpoint({ policies: [{ type: 'files', action: 'close' }] });
    t.is(outcome.code, 1);
    t.regex(outcome.stderr, /'files'\s+known are file, directory,/);
    t.false(existsSync(app.image), 'an image was left');
    app.release(['exit 0']);
    expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
  }));

test('told: a timer that may wait for a time of the day', (t) =>
  withApp(t, { app: 'timers' }, self, async (app) => {
    await app.start();
    const outcome = await app.tryCheckpoint();
    t.is(outcome.code, 0, outcome.stderr);
    t.regex(outcome.stderr, /POSIX timer \d+ runs on CLOCK_REALTIME.*TIMER_ABSTIME/);
  }));

test('told: a program that asks to be told of a fork, which no launch does', (t) =>
  withApp(t, { app: 'atfork' }, self, async (app) => {
    await app.start();
    const outcome = await app.tryCheckpoint();
    t.is(outcome.code, 0, outcome.stderr);
    t.regex(outcome.stderr, /\/atfork asks to be told of a fork \(pthread_atfork\).*hook \(thaw\.h\)/);
  }));

test("told: a mode of the terminal that may be its user's", (t) =>
  withApp(t, { app: 'fd_terminal', args: ['doubtful'] }, self, async (app) => {
    await app.start();
    const outcome = await app.tryCheckpoint();
    t.is(outcome.code, 0, outcome.stderr);
    t.regex(outcome.stderr, /terminal has a mode \(stty -ixon intr\).*a launch has its caller's/);
  }));

// Without looking at who is about to end, some of thousands of looks find a thread with rights of its own.
test('not refused: threads that are about to end', (t) =>
  withApp(t, { app: 'short_threads' }, self, async (app) => {
    await app.start();
    for (let i = 0; i < 1500; i++) {
      const refused = native.survey(app.running.pid).filter(({ ok }) => !ok);
      if (refused.length > 0) t.deepEqual(refused, []);
    }
    t.pass();
  }));

test('a process that does not exist', (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    const outcome = await app.tryCheckpoint({}, app.image, 0x3ffffff);
    t.is(outcome.code, 1);
    t.regex(outcome.stderr, /67108863|no such process/i);
  }));

test('told: a process that has ended, and one of the kernel', async (t) => {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => parent.kill());
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const ended = Number(String(said));
  await until('the child to end', () => statusField(ended, 'State') === 'Z');
  const toldOf = (pid: number): string =>
    native
      .survey(pid)
      .map(({ detail }) => detail)
      .join('\n');
  t.regex(toldOf(ended), new RegExp(`^process ${ended} has ended$`, 'm'));
  if (statusField(2, 'Name') === 'kthreadd') t.regex(toldOf(2), /^process 2 is a kernel thread$/m);
});
