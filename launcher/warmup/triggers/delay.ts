// Warm after some time.
import { setTimeout } from 'node:timers/promises';

import type { Waiter } from './trigger.js';

export const delay: Waiter<'delay'> = {
  async wait({ ms }, { signal }) {
    await setTimeout(ms, undefined, { signal });
    return {};
  },
};
