// Warm when the app is about to connect: to its display, its bus, its database. Each launch makes the connection anew.
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import * as v from 'valibot';

import { accepts } from '../../definition/values.js';
import { ThawError } from '../../errors.js';
import { reached } from './reached.js';
import { triggerKind } from './trigger.js';

/** A file in $XDG_RUNTIME_DIR, as WAYLAND_DISPLAY has it. */
const SHORT = /^[^/@:[\]]+$/;
const MAPPED = /^\[::ffff:([0-9.]+)\]/i;
const SIX = /^\[([^\]]+)\](:\d+)$/;

const address = v.pipe(
  v.string(),
  v.regex(/^(\/.+|@.+|[^/@:[\]]+|([0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}|\[[0-9a-fA-F:.]+\]:[0-9]{1,5})$/),
  accepts(
    'the absolute path of a unix socket, "@name", "127.0.0.1:6379", "[::1]:6379", or the name of a socket in ' +
      '`$XDG_RUNTIME_DIR` such as "wayland-0"',
  ),
);

export const connect = triggerKind({
  value: v.pipe(
    address,
    v.description('the app is about to connect to this address; each launch makes the connection anew'),
  ),
  awaits: (value, env) => ({ syscall: 'connect', address: addressOf(value, env) }),
  wait: (_, context) => reached(context),
});

function addressOf(value: string, env: Readonly<Record<string, string>>): string {
  if (!SHORT.test(value)) return canonical(value);
  const folder = env['XDG_RUNTIME_DIR'];
  if (folder === undefined)
    throw new ThawError(
      `warmup.until.connect is "${value}", a socket in $XDG_RUNTIME_DIR, which is not set`,
      {
        remedy: `set env = { XDG_RUNTIME_DIR = "/run/user/${process.getuid?.() ?? 1000}" } in the profile, or name the socket's path`,
      },
    );
  return join(folder, value);
}

/** As the engine writes it: the shortest form of an IPv6 address, and IPv4 where it is one. */
function canonical(value: string): string {
  const plain = value.replace(MAPPED, '$1');
  const [, six, port] = SIX.exec(plain) ?? [];
  if (six === undefined) return plain;
  if (isIPv6(six)) return `${new URL(`http://[${six}]/`).hostname}${port}`;
  throw new ThawError(`warmup.until.connect is "${value}", which is no IPv6 address`, {
    remedy: 'name one as "[::1]:6379"',
  });
}
