// Under a caller's filter of system calls a launch lives wherever an exec lives.
import test from 'ava';
import { join } from 'node:path';

import type { App } from './support/app.js';
import { withApp } from './support/check.js';
import { identities, self } from './support/identity.js';
import { apps, thawExec } from './support/paths.js';

interface Counts {
  readonly warm: number;
  readonly cold: number;
}

/** Each call but those that are `allowed` forbidden in turn, by killing and by an error. */
async function forbidEach(
  app: App,
  env: Readonly<Record<string, string>> = {},
  allowed: readonly string[] = [],
): Promise<Counts> {
  await app.start();
  await app.checkpoint();
  app.release();
  const flags = allowed.map((call) => `--allowed=${call}`);
  const command = [join(apps, 'filtered'), ...flags, thawExec, '--image', app.image, '--', ...app.command];

  const { code, stdout, stderr } = await app.runAs(command, { env, timeout: 100_000 });
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
  const [, warm, cold] = /(\d+) warm, (\d+) cold/.exec(stdout) ?? [];
  return { warm: Number(warm), cold: Number(cold) };
}

for (const identity of identities)
  test(`an app with threads, as ${identity.name}`, (t) =>
    withApp(t, { app: 'caller_state', args: ['brief'] }, identity, async (app) => {
      const { warm, cold } = await forbidEach(app);
      t.true(warm >= 20 && cold >= 60, `${warm} warm, ${cold} cold`);
    }));

test('an app without threads starts cold: nothing can be tried without harm', (t) =>
  withApp(t, { app: 'caller_state', args: ['alone'] }, self, async (app) => {
    const { warm } = await forbidEach(app);
    t.is(warm, 0);
  }));

test('an app without threads, and THAW_FILTER=try: the filter allows a child', (t) =>
  withApp(t, { app: 'caller_state', args: ['alone'] }, self, async (app) => {
    const { warm, cold } = await forbidEach(app, { THAW_FILTER: 'try' }, ['clone3']);
    t.true(warm >= 20 && cold >= 60, `${warm} warm, ${cold} cold`);
  }));
