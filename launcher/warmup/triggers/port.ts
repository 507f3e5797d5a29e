// Warm when somebody listens on a TCP port. The kernel's table tells: a connection made to find out could stay behind,
// waiting to be accepted, and would be part of the image.
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { integer } from '../../definition/values.js';
import { ThawError } from '../../errors.js';
import { listens } from './listening.js';
import { triggerKind } from './trigger.js';

const pauseMs = 5;

export const port = triggerKind({
  value: v.pipe(integer(1, 65_535), v.description('the app listens on this TCP port')),
  // An instance that runs already would answer in the new one's place: the trigger, the commands that exercise the app and
  // the trial launch would all be satisfied by it.
  expectFree(number) {
    if (!listens(number)) return;
    throw new ThawError(`something listens on port ${number} already`, {
      remedy: 'end it before the build (a running instance of the app?)',
    });
  },
  async wait(number, { pid, signal }) {
    while (!listens(number, pid)) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
  isUp: (number, pid) => listens(number, pid),
});
