// The remedy of most refusals: to set it up after the checkpoint. Each app does so, and its launches do.
import test from 'ava';

import { Skipped, skipStatus } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { self, user } from './support/identity.js';
import { refusals } from './support/refused.js';
import { treeRefusals } from './support/refused_trees.js';
import { allowLargePids } from './support/tree.js';

allowLargePids();

const later = { HOLD_LATER: '1' };

const all = [...refusals, ...treeRefusals.map(({ what }) => ({ app: 'tree_refused', what }))];
for (const { app: name, what, only, ofUser } of all as typeof refusals) {
  if (only === 'root' && self.name !== 'root') continue;
  test(`after the checkpoint: ${what} (${name})`, (t) =>
    withApp(t, { app: name, args: [what], env: later }, ofUser === true ? user : self, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release();
      const launched = await app.launch({ env: later }).outcome;
      if (launched.code === skipStatus) throw new Skipped(launched.stderr.trim());
      expectSuccess(t, 'the launch', launched);
    }));
}
