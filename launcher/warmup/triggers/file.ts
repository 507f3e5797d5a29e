// Warm when the app has made a file, or has written it anew: one that an earlier run left behind says nothing.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { text } from '../../definition/values.js';
import { triggerKind } from './trigger.js';

const pauseMs = 10;

export const file = triggerKind({
  value: v.pipe(text, v.description('the app has made this file, or has written it anew; relative to `cwd`')),
  below: (path, folder) => resolve(folder, path),
  prepare(path) {
    const stale = stamp(path);
    return { env: {}, ...(stale === undefined ? {} : { stale }), close: () => undefined };
  },
  async wait(path, { stale, signal }) {
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
