// An app of several processes, launched again and again: each time all of it is there, and afterwards nothing.
import test from 'ava';

import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';
import { until } from './support/process.js';
import { allowLargePids, processesOf } from './support/tree.js';

const launches = 1000;
const atOnce = 4;

allowLargePids();

for (const name of ['tree_groups', 'tree_threads'])
  test(`${launches} launches of ${name}`, (t) =>
    withApp(t, { app: name }, self, async (app) => {
      t.timeout(600_000);
      await app.start();
      await app.checkpoint();
      app.release();
      for (let i = 0; i < launches; i += atOnce) {
        const running = Array.from({ length: atOnce }, () => app.launch());
        for (const launched of running) expectSuccess(t, `launch ${i}`, await launched.outcome);
      }
      await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => undefined);
      t.deepEqual(processesOf(app.folder), []);
    }));
