// Apps of several processes: what each of them has, and what they are to each other, comes back; what would not is refused.
import test, { type ExecutionContext } from 'ava';
import { existsSync } from 'node:fs';

import type { App } from './support/app.js';
import { expectSuccess, title, withApp } from './support/check.js';
import { identities, self } from './support/identity.js';
import { cli } from './support/paths.js';
import { until } from './support/process.js';
import { treeRefusals } from './support/refused_trees.js';
import { trees } from './support/rows.js';
import { allowLargePids, processesOf } from './support/tree.js';

allowLargePids();

async function expectNothingLeft(t: ExecutionContext, app: App): Promise<void> {
  await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => undefined);
  t.deepEqual(processesOf(app.folder), [], 'processes that are left');
}

for (const identity of identities)
  for (const row of trees)
    if (row.only === undefined || row.only === identity.name)
      test(title(row, identity), (t) =>
        withApp(t, row, identity, async (app) => {
          await app.start();
          await app.checkpoint({ ...row, leaveRunning: true });
          app.release();
          expectSuccess(t, 'the app that was left running', await app.running.outcome);
          for (let i = 1; i <= 3; i++) expectSuccess(t, `launch ${i}`, await app.launch(row.launch).outcome);
          await expectNothingLeft(t, app);
        }),
      );

test('a checkpoint ends all processes of the app', (t) =>
  withApp(t, { app: 'tree_groups' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    await expectNothingLeft(t, app);
  }));

test('instances of a tree run side by side', (t) =>
  withApp(t, { app: 'tree_signals' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    const launched = await Promise.all([1, 2, 3, 4].map(() => app.launchAndHold()));
    app.release();
    for (const running of launched) expectSuccess(t, 'an instance', await running.outcome);
    await expectNothingLeft(t, app);
  }));

test('thaw show: the processes as a tree, with those that have ended', (t) =>
  withApp(t, { app: 'tree_zombies' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    const text = await app.runAs([process.execPath, cli, 'show', app.image]);
    t.regex(text.stdout, /processes \(6\)/);
    t.regex(text.stdout, /^ {2}\d+ +tree_zombies +runs +the caller's +the caller's$/m);
    t.regex(text.stdout, /^ {4}\d+ +tree_zombies +has ended \(exit status 77\)/m);
    t.regex(text.stdout, /^ {4}(\d+) +tree_zombies +has ended \(exit status 5\) +the caller's +\1$/m);
    t.regex(text.stdout, /has ended \(signal 15\)/);
    const json = JSON.parse(
      (await app.runAs([process.execPath, cli, 'show', '--json', app.image])).stdout,
    ) as { processes: { state: string; parent: number | null }[] };
    t.is(json.processes.filter(({ state }) => state === 'zombie').length, 4);
    t.deepEqual(
      json.processes.map(({ parent }) => parent),
      [null, 0, 0, 0, 0, 0],
    );
  }));

test('pages that a fork has shared are stored once', (t) =>
  withApp(t, { app: 'tree_copies' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    const json = JSON.parse(
      (await app.runAs([process.execPath, cli, 'show', '--json', app.image])).stdout,
    ) as { sizes: { onDisk: number } };
    t.true(json.sizes.onDisk < 2 * (8 << 20), `${json.sizes.onDisk} bytes for five times 8 MiB`);
  }));

for (const { what, says, asked, policies } of treeRefusals)
  test(`refused: ${what}`, (t) =>
    withApp(t, { app: 'tree_refused', args: [what] }, self, async (app) => {
      await app.start();
      const outcome = await app.tryCheckpoint({
        leaveRunning: true,
        ...(policies === undefined ? {} : { policies: policies(app) }),
      });
      t.is(outcome.code, 1, `exit code\n${outcome.stdout}${outcome.stderr}`);
      for (const pattern of says) t.regex(outcome.stderr, pattern);
      t.false(existsSync(app.image), 'an image was left');
      const doctor = await app.runAs([process.execPath, cli, 'doctor', '--pid', String(app.running.pid)]);
      if (asked !== true) for (const pattern of says) t.regex(doctor.stdout, pattern);
      app.release();
      expectSuccess(t, 'the app that was not checkpointed', await app.running.outcome);
      await expectNothingLeft(t, app);
    }));
