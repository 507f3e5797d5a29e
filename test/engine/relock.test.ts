// Locks that each launch takes (policy `relock`). That they come back, the table of apps shows (fd_lock).
import test from 'ava';

import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';

test('a second instance of an app that holds locks starts cold', (t) =>
  withApp(t, { app: 'fd_lock' }, self, async (app) => {
    await app.start();
    const without = await app.tryCheckpoint({ leaveRunning: true });
    t.is(without.code, 1, 'a checkpoint without a policy');
    t.regex(without.stderr, /holds a file lock[\s\S]*action = "relock"/);
    await app.checkpoint({ policies: [{ type: 'file', path: '*.lock', action: 'relock' }] });
    const first = await app.launchAndHold();
    const second = await app.launch({ env: { THAW_LOG: 'warn' } }).outcome;
    t.is(second.code, 125, second.stderr);
    t.regex(second.stderr, /another process holds the lock on .*\/whole\.lock/);
    app.release();
    expectSuccess(t, 'the first instance', await first.outcome);
  }));
