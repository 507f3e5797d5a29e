// Warm when the app's output has a line that matches.
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

import type { Waiter } from './trigger.js';

const pauseMs = 10;

export const log: Waiter<'log'> = {
  async wait({ pattern }, { log: file, signal }) {
    const expression = new RegExp(pattern, 'm');
    while (!expression.test(await readFile(file, 'utf8'))) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
};
