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
/** An IPv4 address in IPv6, as URL writes it. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;
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
  awaits: (value, env) => ({ syscalls: ['connect'], address: addressOf(value, env) }),
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
  const [, six, port] = SIX.exec(value) ?? [];
  if (six === undefined) return value;
  if (isIPv6(six)) return `${plainest(new URL(`http://[${six}]/`).hostname)}${port}`;
  throw new ThawError(`warmup.until.connect is "${value}", which is no IPv6 address`, {
    remedy: 'name one as "[::1]:6379"',
  });
}

function plainest(address: string): string {
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [first, second] = [parseInt(high, 16), parseInt(low, 16)];
  return [first >> 8, first & 255, second >> 8, second & 255].join('.');
}
