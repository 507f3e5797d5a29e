// Whatever call of a launch fails: the app starts, warm as it was, or cold as exec would have started it.
import test from 'ava';
import { constants } from 'node:os';
import { join } from 'node:path';

import { withApp } from './support/check.js';
import { identities } from './support/identity.js';
import { apps, thawExec } from './support/paths.js';

const { EPERM, ENOMEM } = constants.errno;

for (const identity of identities)
  test(`system calls of a launch fail, one in each, as ${identity.name}`, (t) =>
    withApp(t, { app: 'caller_state' }, identity, async (app) => {
      t.timeout(600_000); // Hundreds of launches, each of them traced.
      await app.start();
      await app.checkpoint();
      app.release();
      for (const error of [EPERM, ENOMEM]) {
        const outcome = await app.runAs(
          [join(apps, 'fail_call'), String(error), thawExec, '--image', app.image, '--', ...app.command],
          { timeout: 300_000 },
        );
        t.is(
          outcome.code,
          0,
          `errno ${error}: ${outcome.signal ?? ''}\n${outcome.stdout}\n${outcome.stderr}`,
        );
        const [, warm, cold] = /(\d+) warm, (\d+) cold, 0 wrong\n$/.exec(outcome.stdout) ?? [];
        t.true(Number(warm) >= 3 && Number(cold) >= 20, outcome.stdout);
      }
    }));
