// Whatever call of a launch fails: the app starts, warm as it was, or cold as exec would have started it.
import test from 'ava';
import { constants } from 'node:os';

import { withApp } from './support/check.js';
import { failEachCall } from './support/failing_launches.js';
import { identities } from './support/identity.js';

const { EPERM, ENOMEM } = constants.errno;

for (const identity of identities)
  test(`system calls of a launch fail, one in each, as ${identity.name}`, (t) =>
    withApp(t, { app: 'caller_state' }, identity, async (app) => {
      t.timeout(600_000); // Hundreds of launches, each of them traced.
      await app.start();
      await app.checkpoint();
      app.release();
      for (const error of [EPERM, ENOMEM]) {
        const { warm, cold } = await failEachCall(app, error);
        t.true(warm >= 3 && cold >= 20, `errno ${error}: ${warm} warm, ${cold} cold`);
      }
    }));
