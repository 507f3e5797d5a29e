// System V semaphores and message queues under the policy `reopen`: what a launch finds decides, and what it makes it removes
// where it is given up.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { expectSuccess, withApp } from './support/check.js';
import type { App } from './support/app.js';
import { failEachCall } from './support/failing_launches.js';
import { type Identity, identities, root } from './support/identity.js';

const kinds = [
  { app: 'ipc_sem', type: 'sem', option: '-S', remove: '-s', table: '/proc/sysvipc/sem', base: 0x54780000 },
  { app: 'ipc_msg', type: 'msg', option: '-Q', remove: '-q', table: '/proc/sysvipc/msg', base: 0x54790000 },
] as const;
type Kind = (typeof kinds)[number];

/** Its id, or undefined: there is none with that key. */
function idOf(kind: Kind, key: number): string | undefined {
  const rows = readFileSync(kind.table, 'utf8').trim().split('\n').slice(1);
  return rows.map((row) => row.trim().split(/\s+/)).find(([found]) => Number(found) === key)?.[1];
}

function remove(kind: Kind, key: number): void {
  spawnSync('ipcrm', [kind.option, `0x${key.toString(16)}`]);
}

/** A new one with the key, of `count` semaphores. */
async function make(app: App, kind: Kind, key: number, mode: string, count = 4): Promise<void> {
  const call =
    kind.type === 'sem' ? `semget(${key}, ${count}, 01000 | ${mode})` : `msgget(${key}, 01000 | ${mode})`;
  const made = await app.runAs(['/usr/bin/perl', '-e', `exit(!defined(${call}))`]);
  if (made.code !== 0) throw new Error(`cannot make it: ${made.stderr}`);
}

const keep = (kind: Kind) => [{ type: kind.type, action: 'reopen' }];
const aloud = { env: { THAW_LOG: 'warn' } };

async function withKind(
  t: ExecutionContext,
  kind: Kind,
  identity: Identity,
  place: number,
  work: (app: App, key: number) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const base = kind.base + place;
  const key = base + identity.uid;
  t.teardown(() => {
    remove(kind, key);
  });
  await withApp(t, { app: kind.app, args: [base.toString(16), ...args] }, identity, async (app) => {
    await app.start();
    await work(app, key);
  });
}

for (const kind of kinds)
  for (const identity of identities) {
    test(`${kind.type}: found as it was, missing, or another's, as ${identity.name}`, (t) =>
      withKind(t, kind, identity, 0x0, async (app, key) => {
        const outcome = await app.tryCheckpoint({ policies: keep(kind) });
        expectSuccess(t, 'checkpoint', outcome);
        t.regex(outcome.stderr, /launches use .*System V .* as they find it/);
        app.release(['interrupted no']);
        const first = idOf(kind, key);
        expectSuccess(t, 'launch', await app.launch().outcome);

        remove(kind, key);
        const missing = await app.launch(aloud).outcome;
        if (identity.name === 'root') {
          expectSuccess(t, 'launch that makes it', missing);
          t.is(idOf(kind, key), first);
        } else {
          t.is(missing.code, 125, missing.stderr);
          t.regex(missing.stderr, /there is no System V .* this caller cannot make it with the id/);
          t.is(idOf(kind, key), undefined);
        }

        remove(kind, key);
        await make(app, kind, key, kind.type === 'sem' ? '0640' : '0620');
        const other = await app.launch(aloud).outcome;
        t.is(other.code, 125, other.stderr);
        t.regex(other.stderr, /under another id/);
        t.truthy(idOf(kind, key), 'what is not the launch’s own stays');
      }));

    test(`${kind.type}: a second image knows of one that only the first launch has used, as ${identity.name}`, (t) =>
      withKind(t, kind, identity, 0x10000, async (app, key) => {
        await app.checkpoint({ policies: keep(kind) });
        const launched = await app.launchAndHold();
        const refused = await app.tryCheckpoint({ leaveRunning: true }, `${app.image}.2`, launched.pid);
        t.is(refused.code, 1, refused.stdout);
        t.regex(refused.stderr, new RegExp(`type = "${kind.type}"\\n +path = "0x${key.toString(16)}"`));
        t.regex(refused.stderr, new RegExp(`has used .*System V .*0x${key.toString(16)}`));
        app.release();
        expectSuccess(t, 'launch', await launched.outcome);
      }));
  }

if (root !== undefined) {
  const identity = root;
  for (const kind of kinds) {
    test(`${kind.type}: with other permissions it is another's`, (t) =>
      withKind(t, kind, identity, 0x20000, async (app, key) => {
        await app.checkpoint({ policies: keep(kind) });
        app.release();
        const id = String(idOf(kind, key));
        remove(kind, key);
        // The wish for an id that a launch has as well.
        const wish = spawnSync('sh', ['-c', `echo ${id} > /proc/sys/kernel/${kind.type}_next_id`]);
        t.is(wish.status, 0);
        await make(app, kind, key, '0600');
        const outcome = await app.launch(aloud).outcome;
        t.is(outcome.code, 125, outcome.stderr);
        t.regex(outcome.stderr, /another size, owner or permissions|under another id/);
      }));

    test(`${kind.type}: in another IPC namespace it is made there`, (t) =>
      withKind(t, kind, identity, 0x30000, async (app, key) => {
        await app.checkpoint({ policies: keep(kind) });
        app.release();
        const id = idOf(kind, key);
        expectSuccess(t, 'launch', await app.launch({ wrapper: ['unshare', '--ipc'] }).outcome);
        t.is(idOf(kind, key), id);
      }));

    test(`${kind.type}: what a launch has made goes where the launch is given up, whatever call fails`, (t) =>
      withKind(
        t,
        kind,
        identity,
        0x40000,
        async (app, key) => {
          t.timeout(600_000); // Hundreds of launches, each of them traced.
          await app.checkpoint({ policies: keep(kind) });
          app.release();
          remove(kind, key);
          const { warm, cold } = await failEachCall(app, 1);
          t.true(warm >= 3 && cold >= 20, `${warm} warm, ${cold} cold`);
          t.is(idOf(kind, key), undefined);
        },
        ['tell'],
      ));
  }
}

for (const [what, args, refused] of [
  ['an empty list of undos', [], false],
  ['undos that amount to nothing', ['3', 'back'], false],
  ['an undo that takes', ['3'], true],
  ['an undo that gives', ['-3'], true],
] as const)
  for (const [number, identity] of identities.entries())
    test(`sem: ${what} as ${identity.name}`, async (t) => {
      const base = 0x547a0000 + (args.length << 17) + (Number(args[0] ?? 0) < 0 ? 0x10000 : 0) + number;
      const row = { app: 'ipc_undo', args: [base.toString(16), ...args] };
      await withApp(t, row, identity, async (app) => {
        await app.start();
        const outcome = await app.tryCheckpoint({
          policies: [{ type: 'sem', action: 'reopen' }],
          leaveRunning: true,
        });
        t.is(outcome.code, refused ? 1 : 0, outcome.stderr);
        if (refused) t.regex(outcome.stderr, /SEM_UNDO/);
        app.release();
        expectSuccess(t, 'the app, whose values nothing has changed', await app.running.outcome);
      });
    });
