// What to do with state that is not safe to launch many times.
import * as v from 'valibot';

import { rule } from './rule.js';
import { accepts, oneOf, table, text } from './values.js';

export const policyTypes = [
  'file',
  'directory',
  'fifo',
  'socket',
  'pipe',
  'device',
  'mapping',
  'inotify',
  'descriptor',
] as const;
export const policyActions = ['error', 'reopen', 'close', 'ignore', 'append', 'reconnect'] as const;

/** Actions that make sense for one type only. */
const typesOf: Partial<Record<(typeof policyActions)[number], readonly [type: string, remedy: string]>> = {
  append: ['file', 'only files can be appended to'],
  reconnect: ['socket', 'only sockets can be reconnected'],
};

const type = v.pipe(oneOf(policyTypes), v.description('the kind of state; default: any'));

const path = v.pipe(
  text,
  v.description('a glob that its path matches, `socket:[*]` and the like for what has none; default: any'),
);

const action = v.pipe(
  oneOf(policyActions),
  v.description(
    '`error`: refuse the checkpoint, as without a policy; `reopen`: open the path anew in each instance; `close`: the app ' +
      'finds it closed; `ignore`: leave it out; `append`: open the file anew at its end; `reconnect`: connect the socket anew',
  ),
);

export const policies = v.pipe(
  v.array(
    v.pipe(
      table({ type: v.exactOptional(type), path: v.exactOptional(path), action }),
      rule(({ type, action }) => {
        const [only, remedy] = typesOf[action] ?? [];
        if (only === undefined || remedy === undefined || type === undefined || type === only)
          return undefined;
        return { path: ['action'], what: `is "${action}" for type "${type}"`, remedy };
      }),
    ),
  ),
  accepts('tables: [[policies]]'),
  v.description(
    'What to do with state that is not safe to launch many times; the first policy that matches is used.',
  ),
);
