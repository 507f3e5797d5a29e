// Warm when the app is about to open a file, usually a device: each launch opens it anew.
import { resolve } from 'node:path';
import * as v from 'valibot';

import { text } from '../../definition/values.js';
import { reached } from './reached.js';
import { triggerKind } from './trigger.js';

export const open = triggerKind({
  value: v.pipe(
    text,
    v.description(
      'the app is about to open a path of this pattern (`fnmatch(3)`), such as "/dev/dri/*", as the app writes it; ' +
        'relative ones start at `cwd`; each launch opens it anew',
    ),
  ),
  below: (value, folder) => resolve(folder, value),
  awaits: (path) => ({ syscalls: ['open', 'openat', 'openat2', 'creat'], path }),
  wait: (_, context) => reached(context),
});
