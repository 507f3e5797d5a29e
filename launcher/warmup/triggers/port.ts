// Warm when somebody listens on a TCP port. The kernel's table tells: a connection made to find out could stay behind,
// waiting to be accepted, and would be part of the image.
import { setTimeout } from 'node:timers/promises';

import { listens } from './listening.js';
import type { Waiter } from './trigger.js';

const pauseMs = 5;

export const port: Waiter<'port'> = {
  async wait({ port: number }, { pid, signal }) {
    while (!listens(number, pid)) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
};
