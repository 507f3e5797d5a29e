// The policies that a refusal names: with each of them the same app is checkpointed, and its launches run.
import test from 'ava';

import type { App, Policy } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';
import type { Row } from './support/rows.js';

const held = [
  'udp',
  'message-queue',
  'told-queue',
  'writable',
  'log',
  'shared-may-write',
  'outside-pipe',
  'terminal',
  'pty-exclusive',
  'pty-output',
  'pty-line',
  'device',
  'pidfd',
  'thread-pidfd',
  'lock',
  'lease',
  'mapped-lock',
  'pid-file',
  'sealed',
  'attributes',
  'sysv-key',
  'sem-key',
  'msg-key',
  'huge-memory',
  'fanotify',
  'large-deleted',
  'renamed',
  'gone-folder',
  'backlog',
  'datagrams',
  'unix-datagrams',
];

interface Remedy {
  readonly type: string;
  readonly path: string | undefined;
  /** That of the table, then those of its comment. */
  readonly actions: readonly string[];
}

function remedies(message: string): readonly Remedy[] {
  const table =
    /\[\[policies\]\]\n +type = "(?<type>[a-z]+)"\n(?: +path = (?<path>".*")\n)? +action = (?<actions>.*)\n/g;
  return [...message.matchAll(table)].map(({ groups }) => ({
    type: String(groups?.['type']),
    path: groups?.['path'] === undefined ? undefined : String(JSON.parse(groups['path'])),
    actions: [...String(groups?.['actions']).matchAll(/"([a-z]+)"/g)].map(([, action]) => String(action)),
  }));
}

/** Sets what is named until nothing is refused: of each table the action at `index`, or its last. */
async function follow(app: App, index: number): Promise<readonly Policy[]> {
  const policies: Policy[] = [];
  for (let round = 0; round < 4; round++) {
    const outcome = await app.tryCheckpoint({ policies });
    if (outcome.code === 0) return policies;
    const named = remedies(outcome.stderr);
    if (named.length === 0) throw new Error(`no remedy: ${outcome.stderr}`);
    for (const { type, path, actions } of named)
      policies.push({
        type,
        ...(path === undefined ? {} : { path }),
        action: actions[Math.min(index, actions.length - 1)] ?? '',
      });
  }
  throw new Error(`refused under ${JSON.stringify(policies)}`);
}

for (const what of held)
  test(`the remedies of: ${what}`, async (t) => {
    const row: Row = { app: 'refused', args: [what] };
    let most = 1;
    for (let index = 0; index < most; index++)
      await withApp(t, row, self, async (app) => {
        await app.start();
        const refused = await app.tryCheckpoint({ leaveRunning: true });
        t.is(refused.code, 1, refused.stdout);
        most = Math.max(...remedies(refused.stderr).map(({ actions }) => actions.length));
        const policies = await follow(app, index);
        await app.running.outcome;
        app.release();
        for (const which of ['first', 'second'])
          expectSuccess(t, `${which} launch under ${JSON.stringify(policies)}`, await app.launch().outcome);
      });
  });
