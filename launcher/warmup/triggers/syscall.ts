// Warm when the app is about to make a system call, which each launch then makes anew.
import { resolve } from 'node:path';
import * as v from 'valibot';

import { accepts, table, text } from '../../definition/values.js';
import { reached } from './reached.js';
import { triggerKind } from './trigger.js';

const name = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_]*$/),
  accepts('the name of a system call, such as "openat"'),
  v.description('as syscalls(2) has it, for this CPU'),
);

const path = v.pipe(
  text,
  v.description(
    'a pattern (`fnmatch(3)`) of the path that it names, as the app writes it; relative ones start at `cwd`; only for ' +
      'calls that take a path. Default: any',
  ),
);

export const syscall = triggerKind({
  value: v.pipe(
    table({ name, path: v.exactOptional(path) }),
    accepts('{ name = "openat", path = "/dev/dri/*" }'),
    v.description(
      'the app is about to make this system call, whichever of its threads; each launch makes it anew',
    ),
  ),
  below: ({ path, ...rest }, folder) =>
    path === undefined ? rest : { ...rest, path: resolve(folder, path) },
  awaits: ({ name: call, ...where }) => ({ syscalls: [call], ...where }),
  wait: (_, context) => reached(context),
});
