// Apps whose pids nothing can correct (launch.pids = "namespace"): in each launch all processes and threads have those of the
// checkpoint, in a pid namespace that ends with the app.
import test, { type ExecutionContext } from 'ava';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';

import type { App, LaunchOptions } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { failEachCall, killLaunches } from './support/failing_launches.js';
import { root, user } from './support/identity.js';
import { type Row, rows, trees } from './support/rows.js';
import { until } from './support/process.js';
import { isAlive, statusField } from './support/status.js';
import { allowLargePids, childrenOf, processesOf } from './support/tree.js';

const { EPERM, ENOMEM } = constants.errno;
const isRoot = root !== undefined;
const asRoot = isRoot ? test : test.skip;
const kills = 40;
const withPids = { pidNamespace: true };

if (isRoot) allowLargePids();

async function expectNothingLeft(t: ExecutionContext, app: App): Promise<void> {
  const left = (): string[] => [...processesOf(app.folder), ...inits()];
  await until('all processes to end', () => left().length === 0).catch(() => undefined);
  t.deepEqual(left(), [], 'processes that are left');
}

/** First processes of namespaces whose launch is gone. */
function inits(): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !isAlive(Number(pid))) return false;
    const parent = Number(statusField(Number(pid), 'PPid'));
    // Pid 1 takes in those whose parent is gone.
    return statusField(Number(pid), 'Name') === 'thaw-init' && (parent <= 1 || !isAlive(parent));
  });
}

async function checkpointed(app: App, leaveRunning = false): Promise<void> {
  await app.start();
  await app.checkpoint({ ...withPids, leaveRunning });
}

/** What all of them need that have no state of their own: root. */
function row(app: string, args: readonly string[] = []): Row {
  return { app, args };
}

asRoot('pids in text, sums and tables; the app that was left running, and three launches', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app, true);
    app.release();
    expectSuccess(t, 'the app that was left running', await app.running.outcome);
    app.release(['namespace 1']);
    for (let i = 1; i <= 3; i++) expectSuccess(t, `launch ${i}`, await app.launch().outcome);
    await expectNothingLeft(t, app);
  }),
);

asRoot('without a namespace, such pids are wrong in a launch, or refused', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await app.start();
    const { code } = await app.tryCheckpoint();
    if (code === 0) {
      app.release();
      t.not((await app.launch().outcome).code, 0);
    } else t.not(code, 0);
  }),
);

asRoot('instances run side by side, each with the same pids', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app);
    const launched = await Promise.all([1, 2, 3].map(() => app.launchAndHold()));
    app.release(['namespace 1']);
    for (const running of launched) expectSuccess(t, 'an instance', await running.outcome);
    await expectNothingLeft(t, app);
  }),
);

asRoot('SIGKILL of what stands for the app ends all of it', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app);
    const launched = await app.launchAndHold();
    t.true(processesOf(app.folder).length > 3);
    process.kill(launched.pid, 'SIGKILL');
    t.is((await launched.outcome).signal, 'SIGKILL');
    await expectNothingLeft(t, app);
  }),
);

asRoot('SIGKILL of the first process of the namespace ends all of it', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app);
    const launched = await app.launchAndHold();
    const [first] = childrenOf(launched.pid).filter(
      (pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'thaw-init\n',
    );
    t.truthy(first);
    process.kill(first ?? 0, 'SIGKILL');
    t.is((await launched.outcome).signal, 'SIGKILL');
    await expectNothingLeft(t, app);
  }),
);

asRoot('exit status, and signals to what stands for the app', (t) =>
  withApp(t, row('actor'), root ?? user, async (app) => {
    await checkpointed(app);
    app.release(['exit 41']);
    t.is((await app.launch().outcome).code, 41);
    app.hold();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const launched = await app.launchAndHold();
      process.kill(launched.pid, signal);
      t.is((await launched.outcome).signal, signal);
    }
    await expectNothingLeft(t, app);
  }),
);

/** A caller that may not make a namespace, or does not get far. */
const withoutRight: LaunchOptions = { wrapper: ['setpriv', '--bounding-set=-sys_admin'] };

asRoot('who may not make a namespace starts the app cold, and so does who has something below /proc', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app);
    app.release();
    const refused = await app.launch(withoutRight).outcome;
    t.is(refused.code, 125);
    t.regex(refused.stderr, /needs? a pid namespace.*CAP_SYS_ADMIN/s);
    expectSuccess(t, 'the cold start', await app.launch({ ...withoutRight, flags: [] }).outcome);
    const covered = ['unshare', '-m', 'sh', '-c', 'mount --bind /dev/null /proc/version; exec "$@"', 'sh'];
    const hidden = await app.launch({ wrapper: covered }).outcome;
    t.is(hidden.code, 125);
    t.regex(hidden.stderr, /mounted at \/proc\/version/);
    expectSuccess(t, 'the cold start', await app.launch({ wrapper: covered, flags: [] }).outcome);
    await expectNothingLeft(t, app);
  }),
);

test('an ordinary user can make such an image, which starts cold', (t) =>
  withApp(t, row('kept_ids'), user, async (app) => {
    await checkpointed(app);
    app.release();
    const refused = await app.launch().outcome;
    t.is(refused.code, 125, refused.stderr);
    t.regex(refused.stderr, /need a pid namespace.*CAP_SYS_ADMIN/s);
    expectSuccess(t, 'the cold start', await app.launch({ flags: [] }).outcome);
  }));

for (const failure of [EPERM, ENOMEM])
  asRoot(
    `system calls fail, one in each launch (errno ${failure}): the app starts, and nothing is left`,
    (t) =>
      withApp(t, row('caller_state', ['tree']), root ?? user, async (app) => {
        t.timeout(600_000); // Hundreds of launches, each of them traced.
        await checkpointed(app);
        app.release();
        const { warm, cold } = await failEachCall(app, failure);
        t.true(warm >= 20 && cold >= 100, `${warm} warm, ${cold} cold`);
        await expectNothingLeft(t, app);
      }),
  );

asRoot('a launch is killed at any moment: nothing of it is left', (t) =>
  withApp(t, row('kept_ids'), root ?? user, async (app) => {
    await checkpointed(app);
    await killLaunches(t, app, kills, 15, () => expectNothingLeft(t, app));
  }),
);

/** Their descriptors signal the caller's group, or show them in its /proc, or they have a job in its terminal. */
const outside = new Set(['tree_groups', 'tree_files', 'tree_job']);

for (const one of [
  ...trees.filter(({ app }) => !outside.has(app)),
  ...rows.filter(
    ({ app, about }) =>
      about === undefined && ['threads', 'own_ids', 'timers', 'locks', 'fd_pidfd'].includes(app),
  ),
])
  asRoot(`${one.app}${one.about === undefined ? '' : ` (${one.about})`}`, (t) =>
    withApp(t, one, root ?? user, async (app) => {
      await app.start();
      await app.checkpoint({ ...one, ...withPids });
      app.release();
      for (let i = 1; i <= 2; i++) expectSuccess(t, `launch ${i}`, await app.launch(one.launch).outcome);
      await expectNothingLeft(t, app);
    }),
  );

const refused = {
  tree_groups: /signals go to the process group of the app's first process.*launch\.pids/s,
  tree_files: /file in \/proc of a process of the app.*launch\.pids/s,
};

for (const [app, says] of Object.entries(refused))
  asRoot(`refused: what ${app} has outside of the namespace`, (t) =>
    withApp(t, row(app), root ?? user, async (app) => {
      await app.start();
      const { code, stderr } = await app.tryCheckpoint({ ...withPids, leaveRunning: true });
      t.not(code, 0);
      t.regex(stderr, says);
      rmSync(app.image, { force: true });
      app.release();
      expectSuccess(t, 'the app, which runs on', await app.running.outcome);
    }),
  );
