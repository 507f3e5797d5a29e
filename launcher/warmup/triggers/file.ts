// Warm when a file exists.
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import type { Waiter } from './trigger.js';

const pauseMs = 10;

export const file: Waiter<'file'> = {
  async wait({ path }, { signal }) {
    while (!existsSync(path)) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
};
