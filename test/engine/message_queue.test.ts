// POSIX message queues under the policy `reopen`: they outlive the app, so no row of the table holds them.
import test from 'ava';

import { expectSuccess, withApp } from './support/check.js';
import { identities } from './support/identity.js';

for (const identity of identities)
  test(`a message queue is opened again, and none is made, as ${identity.name}`, (t) =>
    withApp(t, { app: 'fd_mqueue' }, identity, async (app) => {
      await app.start();
      const without = await app.tryCheckpoint({ leaveRunning: true });
      t.regex(without.stderr, /POSIX message queue[\s\S]*action = "reopen"/);
      await app.checkpoint({ policies: [{ type: 'file', path: '/thaw-test-*', action: 'reopen' }] });
      app.release();
      expectSuccess(t, 'launch', await app.launch().outcome);
      app.release(['unlink yes']);
      expectSuccess(t, 'launch that removes it', await app.launch().outcome);
      const last = await app.launch({ env: { THAW_LOG: 'warn' } }).outcome;
      t.is(last.code, 125, last.stderr);
      t.regex(last.stderr, /cannot open the message queue \/thaw-test-/);
    }));
