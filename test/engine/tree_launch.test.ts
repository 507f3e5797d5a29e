// A launch of several processes is made whole or not at all: whatever fails in one of them, or ends it.
import test from 'ava';
import { constants } from 'node:os';
import { join } from 'node:path';

import type { App } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { failEachCall, killLaunches } from './support/failing_launches.js';
import { identities, root, self, user } from './support/identity.js';
import { apps } from './support/paths.js';
import { sleep, until } from './support/process.js';
import { allowLargePids, killAll, processesOf } from './support/tree.js';

const { EPERM, ENOMEM } = constants.errno;
const kills = 40;
const elders = 20;

allowLargePids();

async function prepare(app: App): Promise<void> {
  await app.start();
  await app.checkpoint();
}

/** An app with a child, a child of that and one that has ended (caller_state.c). */
const tree = { app: 'caller_state', args: ['tree'] };

/** The same, where the other processes have given up root's rights. */
const workers = { app: 'caller_state', args: ['workers'] };

async function failEach(app: App, failure: string): ReturnType<typeof failEachCall> {
  await prepare(app);
  app.release();
  return failEachCall(app, failure);
}

for (const identity of identities) {
  const error = identity.name === 'root' ? ENOMEM : EPERM;
  test(`system calls of any process fail, one in each launch, as ${identity.name}`, (t) =>
    withApp(t, tree, identity, async (app) => {
      t.timeout(600_000); // Hundreds of launches, each of them traced.
      const { warm, cold } = await failEach(app, String(error));
      t.true(warm >= 20 && cold >= 100, `${warm} warm, ${cold} cold`);
    }));
}

if (root !== undefined)
  test('system calls fail of processes that give up their rights: none has more than it had', (t) =>
    withApp(t, workers, self, async (app) => {
      t.timeout(600_000); // Hundreds of launches, each of them traced.
      const { warm, cold } = await failEach(app, String(EPERM));
      t.true(warm >= 20 && cold >= 100, `${warm} warm, ${cold} cold`);
    }));

test('a process is killed at each of its system calls: the app starts cold, and none is left', (t) =>
  withApp(t, tree, self, async (app) => {
    const { cold } = await failEach(app, 'kill');
    t.true(cold >= 60, `${cold} cold`);
  }));

test('a launch is killed at any moment: all of its processes are there, or none is', (t) =>
  withApp(t, { app: 'tree_groups' }, self, async (app) => {
    await prepare(app);
    const whole = await app.launchAndHold();
    const count = processesOf(app.folder).length;
    t.true(count > 3, `${count} processes`);
    app.release();
    expectSuccess(t, 'a launch that nothing disturbs', await whole.outcome);
    await until('its processes to end', () => processesOf(app.folder).length === 0);
    app.hold();
    await killLaunches(t, app, kills, 12, async () => {
      await sleep(60); // Longer than a process waits before it looks whether its parent is there.
      await until('all or none', () => [0, count - 1].includes(processesOf(app.folder).length)).catch(() => {
        t.fail(processesOf(app.folder).join('\n'));
      });
      killAll(processesOf(app.folder).map((line) => Number.parseInt(line)));
      await until('all to be gone', () => processesOf(app.folder).length === 0);
    });
  }));

test("a child of the caller's that ends during the launch: the app hears of it", (t) =>
  withApp(t, { app: 'tree_elder' }, self, async (app) => {
    await prepare(app);
    app.release();
    const wrapper = [join(apps, 'tree_elder'), '--'];
    for (let i = 0; i < elders; i++) expectSuccess(t, `launch ${i}`, await app.launch({ wrapper }).outcome);
  }));

test("a child of a caller's that ignores SIGCHLD ends during the launch: nothing of it is left", (t) =>
  withApp(t, { app: 'tree_elder', args: ['deaf'] }, self, async (app) => {
    await prepare(app);
    app.release();
    const wrapper = [join(apps, 'tree_elder'), '--ignored'];
    for (let i = 0; i < elders; i++) expectSuccess(t, `launch ${i}`, await app.launch({ wrapper }).outcome);
  }));

interface Hindrance {
  readonly what: string;
  readonly row?: typeof tree;
  /** Root has no such limit. */
  readonly asUser?: boolean;
  readonly wrapper?: readonly string[];
  readonly flags?: readonly string[];
  readonly says: RegExp;
}

const hindrances: Hindrance[] = [
  {
    what: 'ids cannot be kept',
    flags: ['--keep-pid'],
    says: /several processes, which cannot keep their ids; leave out --keep-pid.*starting cold/,
  },
  {
    what: 'a filter of system calls',
    wrapper: [join(apps, 'call_filtered')],
    says: /a filter of system calls is in force, and the app has several processes/,
  },
  {
    what: 'a process is stopped from outside',
    wrapper: [join(apps, 'stop_member')],
    says: /another process of the app cannot be restored.*starting cold/,
  },
  {
    what: 'a limit of processes',
    asUser: true,
    wrapper: ['prlimit', '--nproc=1'],
    says: /cannot make a process of the app: .*starting cold/,
  },
];

const without = (capability: string): Hindrance => ({
  what: `the caller lacks ${capability}`,
  row: workers,
  wrapper: ['setpriv', `--bounding-set=-${capability}`],
  says: new RegExp(
    `ran as user 4321 .*the caller lacks CAP_${capability.toUpperCase()}; give .*starting cold`,
  ),
});

if (root !== undefined)
  hindrances.push(
    ...['setuid', 'setgid', 'setpcap', 'kill'].map(without),
    {
      ...without('net_bind_service'),
      says: /the caller lacks the capabilities that it had; .*starting cold/,
    },
    {
      what: 'an ordinary user launches an app whose workers have given up root',
      row: workers,
      wrapper: ['setpriv', '--reuid=65534', '--clear-groups'],
      says: /cannot open the image .*Permission denied; starting cold/,
    },
  );

for (const { what, row = tree, asUser, wrapper, flags, says } of hindrances)
  test(`starts cold: ${what}`, (t) =>
    withApp(t, row, asUser === true ? user : self, async (app) => {
      if (asUser === true && user.uid === 0) {
        t.log('there is no user here but root');
        t.pass();
        return;
      }
      await prepare(app);
      app.release();
      const outcome = await app.launch({
        flags: flags ?? [],
        env: { THAW_LOG: 'warn' },
        ...(wrapper === undefined ? {} : { wrapper }),
      }).outcome;
      expectSuccess(t, what, outcome);
      t.true(outcome.stdout.startsWith('cold\n'), outcome.stdout);
      t.regex(outcome.stderr, says);
    }));
