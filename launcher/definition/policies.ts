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
  'shm',
  'sem',
  'msg',
] as const;
export const policyActions = [
  'error',
  'reopen',
  'close',
  'ignore',
  'append',
  'reconnect',
  'pid',
  'relock',
  'reset',
  'replay',
] as const;

/** Actions that make sense for one type only. */
const typesOf: Partial<Record<(typeof policyActions)[number], readonly [type: string, remedy: string]>> = {
  append: ['file', 'only files can be appended to'],
  reconnect: ['socket', 'only sockets can be reconnected'],
  pid: ['file', 'only files can hold a pid'],
  relock: ['file', 'only files can be locked again'],
  reset: ['socket', 'only connections can be reset'],
  replay: ['socket', 'only connections can be replayed'],
};

const type = v.pipe(oneOf(policyTypes), v.description('the kind of state; default: any'));

const path = v.pipe(
  text,
  v.description("a pattern (`fnmatch(3)`) of its path, or of a socket's address; default: any"),
);

const action = v.pipe(
  oneOf(policyActions),
  v.description(
    '`error`: refuse the checkpoint, as where no policy matches; `reopen`: open it by its name in each instance (System V shared memory: make it anew with its key; System V semaphores and message queues: those with its key, under the same id); `close`: ' +
      'put something closed in its place, /dev/null or a socket whose other end is gone (reads find the end); `reset`: of a connection: ' +
      'the same, but the first read or write fails with ECONNRESET; `ignore`: leave it out (of a ' +
      'mapping: a private copy); `append`: open the file by its name, writes go to its end; `reconnect`: connect the socket again; ' +
      '`pid`: make the file anew, with the new pid in it, also where the app has closed it; `relock`: open the file by its name and take the locks that ' +
      'the app held (where another process has one, the app starts cold); a pid in it is renewed; `replay`: connect a unix ' +
      'socket again and have the conversation of the warm-up again, where thaw knows the protocol (D-Bus, Wayland)',
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
    'what to do with state that is not safe to launch many times; the first policy that matches is used, but only for what ' +
      'would be refused without it, or what its path names without wildcards',
  ),
);
