// Warm when the app has made a file, or has written it anew: one that an earlier run left behind says nothing.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { triggerKind } from './trigger.js';

const pauseMs = 10;

export const file = triggerKind({
  schema: v.pipe(
    v.strictObject({ file: v.string('a string') }),
    v.description(
      'The app has made this file, or has written it anew. Relative to the folder where the app starts.',
    ),
    v.transform(({ file }) => ({ kind: 'file' as const, path: file })),
  ),
  below: (trigger, folder) => ({ ...trigger, path: resolve(folder, trigger.path) }),
  prepare({ path }) {
    const stale = stamp(path);
    return { env: {}, ...(stale === undefined ? {} : { stale }), close: () => undefined };
  },
  async wait({ path }, { stale, signal }) {
    for (let now = stamp(path); now === undefined || now === stale; now = stamp(path))
      await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
});

/** Tells one state of a file from another; undefined when there is none. */
function stamp(path: string): string | undefined {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? undefined : `${status.dev}:${status.ino}:${status.ctimeNs}`;
}
