// Each guard of memory mapped from the image is needed: with the guard switched off at the checkpoint, its test app fails.
import test from 'ava';

import { expectFailure, withApp } from './support/check.js';
import { user } from './support/identity.js';
import { hazards } from './support/rows.js';

for (const hazard of hazards)
  for (const guard of hazard.guards)
    test(`${hazard.app} fails without the guard "${guard}"`, (t) =>
      withApp(t, hazard, user, async (app) => {
        await app.start();
        await app.checkpoint({ ...hazard, guardsOff: [guard] });
        app.release();
        expectFailure(t, await app.launch().outcome);
      }));
