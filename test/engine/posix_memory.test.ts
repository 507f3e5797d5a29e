// POSIX shared memory and named semaphores outlive the app: files of /dev/shm, which it maps.
import test from 'ava';
import { existsSync, rmSync } from 'node:fs';

import { expectSuccess, withApp } from './support/check.js';
import { identities } from './support/identity.js';

for (const identity of identities)
  test(`POSIX shared memory and a named semaphore, as ${identity.name}`, async (t) => {
    const name = `/thaw-test-${process.pid}-${identity.name}`;
    const files = [`/dev/shm${name}`, `/dev/shm/sem.${name.slice(1)}`];
    t.teardown(() => {
      for (const file of files) rmSync(file, { force: true });
    });
    await withApp(t, { app: 'memory_posix', args: [name] }, identity, async (app) => {
      await app.start();
      const without = await app.tryCheckpoint({ leaveRunning: true });
      t.is(without.code, 1);
      for (const file of files) t.true(without.stderr.includes(file), without.stderr);
      t.regex(without.stderr, /type = "mapping"[\s\S]*action = "reopen"/);
      await app.checkpoint({ policies: [{ type: 'mapping', path: '/dev/shm/*', action: 'reopen' }] });
      app.release();
      expectSuccess(t, 'first launch', await app.launch().outcome);
      app.release(['count 2']);
      expectSuccess(t, 'second launch', await app.launch().outcome);
      for (const file of files) rmSync(file);
      const last = await app.launch({ env: { THAW_LOG: 'warn' } }).outcome;
      t.is(last.code, 125, last.stderr);
      t.regex(last.stderr, /cannot open \/dev\/shm/);
      t.false(files.some((file) => existsSync(file)));
    });
  });
