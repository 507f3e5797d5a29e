// Many instances of one image at the same time, each with its own pid and its own memory.
import test from 'ava';
import { rmSync } from 'node:fs';

import { expectSuccess, withApp } from './support/check.js';
import { identities } from './support/identity.js';

const count = 10;

for (const identity of identities)
  for (const name of ['threads', 'heap', 'memory_private', 'fd_epoll'])
    test(`${count} instances of ${name} at once as ${identity.name}`, (t) =>
      withApp(t, { app: name }, identity, async (app) => {
        await app.start();
        await app.checkpoint();
        rmSync(app.status, { force: true });
        const launched = Array.from({ length: count }, () => app.launch());
        t.is(new Set(launched.map((running) => running.pid)).size, count);
        await app.restored();
        app.release();
        for (const outcome of await Promise.all(launched.map((running) => running.outcome)))
          expectSuccess(t, 'instance', outcome);
      }));

for (const identity of identities)
  test(`20 launches in a row as ${identity.name}`, (t) =>
    withApp(t, { app: 'threads' }, identity, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release();
      for (let i = 0; i < 20; i++) expectSuccess(t, `launch ${i}`, await app.launch().outcome);
    }));
