// The working set stands first in an image that is trained, and nothing else about the image changes.
import test from 'ava';
import { statSync } from 'node:fs';

import { expectSuccess, title, withApp } from './support/check.js';
import { self } from './support/identity.js';
import { ImagePages } from './support/image_pages.js';
import { wrongWorkingSet } from './support/paths.js';
import { rows } from './support/rows.js';

const apps = [
  'threads',
  'threads_static',
  'memory_private',
  'memory_shared',
  'memory_file',
  'memory_exec',
  'memory_sysv',
  'fd_memfd',
  'hazard_pieces',
  'tree_memory',
  'tree_copies',
];
/** What stays together (native/image/hot_order.cc). */
const together = 32 << 10;

for (const name of apps) {
  const row = rows.find(({ app }) => app === name) ?? { app: name };
  test(`written anew: ${title(row, self)}`, (t) =>
    withApp(t, row, self, async (app) => {
      await app.start();
      await app.checkpoint({ ...row, leaveRunning: false });
      app.release();
      const before = new ImagePages(app.image);
      const { uid, gid, mode } = statSync(app.image);

      expectSuccess(t, 'train', await app.runAs([wrongWorkingSet, app.image, '3']));
      const after = new ImagePages(app.image);
      t.true(after.opCount > before.opCount, 'memory is mapped in more pieces');
      t.deepEqual(after.work, before.work);
      t.deepEqual(after.contents, before.contents);
      t.deepEqual(after.others, before.others);
      t.is(after.id, before.id);
      t.deepEqual(after.strangers(together), []);
      const now = statSync(app.image);
      t.deepEqual([now.uid, now.gid, now.mode], [uid, gid, mode]);

      expectSuccess(t, 'train again', await app.runAs([wrongWorkingSet, app.image]));
      const again = new ImagePages(app.image);
      t.deepEqual(again.work, before.work);
      t.deepEqual(again.feedRuns, after.feedRuns);
      t.is(again.opCount, after.opCount);
      t.is(again.data, after.data, 'the same set gives the same order');
      t.is(statSync(app.image).size, now.size);
    }));
}
