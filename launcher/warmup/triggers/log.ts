// Warm when the app's output has a line that matches.
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { messageOf } from '../../errors.js';
import { triggerKind } from './trigger.js';

const pauseMs = 10;

export const log = triggerKind({
  schema: v.pipe(
    v.strictObject({
      log: v.pipe(
        v.string('a string'),
        v.check(
          (pattern) => fault(pattern) === undefined,
          ({ input }) => `a JavaScript regular expression (${fault(input) ?? ''})`,
        ),
      ),
    }),
    v.description("A line of the app's output matches this regular expression."),
    v.transform(({ log }) => ({ kind: 'log' as const, pattern: log })),
  ),
  async wait({ pattern }, { log: file, signal }) {
    const expression = new RegExp(pattern, 'm');
    while (!expression.test(await readFile(file, 'utf8'))) await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
});

/** What makes `pattern` no regular expression. */
function fault(pattern: string): string | undefined {
  try {
    new RegExp(pattern);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
