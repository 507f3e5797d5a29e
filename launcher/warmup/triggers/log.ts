// Warm when the app's output has a line that matches.
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { pattern } from '../../definition/values.js';
import { triggerKind } from './trigger.js';

const pauseMs = 10;

export const log = triggerKind({
  value: v.pipe(pattern, v.description('a line of what the app prints matches this regular expression')),
  async wait(expression, { log: file, signal }) {
    const line = new RegExp(expression, 'm');
    while (!line.test(await readFile(file, 'utf8'))) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
});
