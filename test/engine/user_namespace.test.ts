// Apps of ordinary users that have their old pids in each launch (launch.pids = "user-namespace"), and no right that they had
// not.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';

import { expectSuccess, withApp } from './support/check.js';
import { failEachCall, killLaunches } from './support/failing_launches.js';
import { root, self, user } from './support/identity.js';
import { thawExec } from './support/paths.js';
import { until } from './support/process.js';
import { processesOf } from './support/tree.js';

const { EPERM, ENOMEM } = constants.errno;
const kills = 40;

const inUserNamespace = { userNamespace: true };
const row = { app: 'user_namespace' };

/** May an ordinary user make user namespaces here, and a /proc in there? */
const words = [...user.prefix, 'unshare', '-U', '-r', '-p', '-f', '-m', '--mount-proc', 'true'];
const isAllowed = user.uid !== 0 && spawnSync('env', words).status === 0;
const allowed = isAllowed ? test : test.skip;
const overflow = '65534';

allowed('an ordinary user’s app has its old pids, and no capability, in launches side by side', (t) =>
  withApp(t, row, user, async (app) => {
    await app.start();
    const outcome = await app.tryCheckpoint(inUserNamespace);
    expectSuccess(t, 'checkpoint', outcome);
    t.regex(outcome.stderr, /user namespace: set-user-id programs/);
    const launched = await Promise.all([1, 2, 3].map(() => app.launchAndHold()));
    app.release([`root ${overflow}`]);
    for (const running of launched) expectSuccess(t, 'an instance', await running.outcome);
    expectSuccess(t, 'a launch', await app.launch().outcome);
  }),
);

allowed('many launches, one after the other', (t) =>
  withApp(t, row, user, async (app) => {
    await app.start();
    await app.checkpoint(inUserNamespace);
    app.release([`root ${overflow}`]);
    for (let i = 1; i <= 40; i++) expectSuccess(t, `launch ${i}`, await app.launch().outcome);
  }),
);

for (const failure of [EPERM, ENOMEM])
  allowed(
    `system calls fail, one in each launch (errno ${failure}): the app starts, and nothing is left`,
    (t) =>
      withApp(t, { app: 'caller_state', args: ['tree'] }, user, async (app) => {
        t.timeout(600_000); // Hundreds of launches, each of them traced.
        await app.start();
        await app.checkpoint(inUserNamespace);
        app.release();
        const { warm, cold } = await failEachCall(app, failure);
        t.true(warm >= 20 && cold >= 100, `${warm} warm, ${cold} cold`);
        await until('all processes to end', () => processesOf(app.folder).length === 0);
      }),
  );

allowed('a launch is killed at any moment: nothing of it is left', (t) =>
  withApp(t, row, user, async (app) => {
    await app.start();
    await app.checkpoint(inUserNamespace);
    await killLaunches(t, app, kills, 15, async () => {
      await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => undefined);
      t.deepEqual(processesOf(app.folder), []);
    });
  }),
);

allowed('where user namespaces are switched off, the app starts cold for that reason', (t) =>
  withApp(t, row, user, async (app) => {
    await app.start();
    await app.checkpoint(inUserNamespace);
    app.release();
    // The switch is that of the namespace in which it is set.
    const off =
      'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --ambient-caps=-all --inh-caps=-all "$@"';
    const outcome = await app.launch({
      env: { THAW_LOG: 'warn' },
      wrapper: ['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c', off, 'sh'],
    }).outcome;
    t.is(outcome.code, 125, outcome.stderr);
    t.regex(outcome.stderr, /no user namespaces \(\/proc\/sys\/user\/max_user_namespaces is 0\)/);
  }),
);

allowed('with the pid namespace of root alone, an ordinary user gets a cold start', (t) =>
  withApp(t, row, user, async (app) => {
    await app.start();
    await app.checkpoint({ pidNamespace: true });
    app.release();
    const outcome = await app.launch({ env: { THAW_LOG: 'warn' } }).outcome;
    t.is(outcome.code, 125, outcome.stderr);
    t.regex(outcome.stderr, /may not make[^]*"user-namespace"/);
  }),
);

(isAllowed && root !== undefined ? test : test.skip)(
  'a caller with capabilities would lose them: a cold start',
  (t) =>
    withApp(t, row, user, async (app) => {
      await app.start();
      await app.checkpoint(inUserNamespace);
      app.release();
      const id = String(user.uid);
      const { status, stderr } = spawnSync(
        'setpriv',
        [`--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--inh-caps=+net_raw', '--ambient-caps=+net_raw']
          .concat(thawExec, '--no-fallback', '--image', app.image, '--')
          .concat(app.command),
        { encoding: 'utf8', env: { ...process.env, THAW_LOG: 'warn' } },
      );
      t.is(status, 125, stderr);
      t.regex(stderr, /the caller has user 0, capabilities or securebits/);
    }),
);

(root === undefined ? test.skip : test)('root’s launches need none', (t) =>
  withApp(t, row, self, async (app) => {
    await app.start();
    await app.checkpoint(inUserNamespace);
    app.release(['root 0']);
    for (let i = 1; i <= 2; i++) expectSuccess(t, `launch ${i}`, await app.launch().outcome);
  }),
);
