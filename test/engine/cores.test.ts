// Tests that wait for cores all get them, in whatever order and amounts.
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';

import { withCores, withRoomForApp } from './support/cores.js';

test('whoever waits for cores gets them', async (t) => {
  t.timeout(600_000);
  let done = 0;
  const work = async (): Promise<void> => {
    await sleep(5);
    done++;
  };
  const all = Array.from({ length: 60 }, (_, i) =>
    i % 7 === 0 ? withCores(2, work) : i % 2 === 0 ? withCores(1, work) : withRoomForApp(work),
  );
  await Promise.all(all);
  t.is(done, all.length);
});
