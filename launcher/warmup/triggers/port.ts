// Warm when somebody listens on a TCP port. The kernel's table tells: a connection made to find out could stay behind,
// waiting to be accepted, and would be part of the image.
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { ThawError } from '../../errors.js';
import { listens } from './listening.js';
import { triggerKind } from './trigger.js';

const pauseMs = 5;
const accepted = 'a whole number from 1 to 65535';

export const port = triggerKind({
  schema: v.pipe(
    v.strictObject({
      port: v.pipe(
        v.number(accepted),
        v.integer(accepted),
        v.minValue(1, accepted),
        v.maxValue(65_535, accepted),
      ),
    }),
    v.description('The app listens on this TCP port.'),
    v.transform(({ port }) => ({ kind: 'port' as const, port })),
  ),
  // An instance that runs already would answer in the new one's place: the trigger, the commands that exercise the app and
  // the trial launch would all be satisfied by it.
  expectFree({ port }) {
    if (!listens(port)) return;
    throw new ThawError(`something listens on port ${port} already`, {
      remedy: 'end it before the build (a running instance of the app?)',
    });
  },
  async wait({ port }, { pid, signal }) {
    while (!listens(port, pid)) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
  isUp: ({ port }, pid) => listens(port, pid),
});
