// Feeding is advice: with a working set that names the wrong pages, calls what is read written, and has no order, every kind of
// state comes back all the same, from the page cache and from the disk. (Without any, as checkpoints by hand are, it does in apps.test.ts.)
import test from 'ava';

import { expectSuccess, title, withApp } from './check.js';
import { self } from './identity.js';
import { pageCache, wrongWorkingSet } from './paths.js';
import { type Row, rows } from './rows.js';

const launches = [
  { seed: 1, cached: true },
  { seed: 2, cached: false },
];
/** Its app asks which pages are in memory, which is just what feeding changes. */
const asksForResidence = 'memory_lock';

/** Declares the tests of those rows that are wanted. */
export function proveWrongWorkingSets(isWanted: (row: Row) => boolean): void {
  for (const row of rows)
    if ((row.only === undefined || row.only === self.name) && row.app !== asksForResidence && isWanted(row))
      prove(row);
}

function prove(row: Row): void {
  test(`wrong working set: ${title(row, self)}`, (t) =>
    withApp(t, row, self, async (app) => {
      await app.start();
      await app.checkpoint({ ...row, leaveRunning: false });
      app.release();
      for (const { seed, cached } of launches) {
        expectSuccess(t, 'train', await app.runAs([wrongWorkingSet, app.image, String(seed)]));
        if (!cached) expectSuccess(t, 'drop', await app.runAs([pageCache, 'drop', app.image]));
        expectSuccess(t, `launch ${seed}`, await app.launch(row.launch).outcome);
      }
    }));
}
