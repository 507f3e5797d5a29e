// Who a test runs as. Root tests run only as root; the others run as a user without any capability, which root
// becomes through setpriv.
import { spawnSync } from 'node:child_process';

import { addon, apps, cli } from './paths.js';

export interface Identity {
  readonly name: 'root' | 'user';
  /** Command that the real one is appended to; empty: run it as it is. */
  readonly prefix: readonly string[];
  readonly uid: number;
}

const nobody = 65534;
const isRoot = process.getuid?.() === 0;

const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--inh-caps=-all'];
/** Root without capabilities: what is left where another user cannot even reach the checkout, as below /root. */
const asBareRoot = [
  'setpriv',
  '--securebits=+noroot,+noroot_locked',
  '--inh-caps=-all',
  '--bounding-set=-all',
];

function canReach(prefix: readonly string[]): boolean {
  const reaches = 'test -r "$1" && test -r "$2" && test -x "$3"';
  return spawnSync('env', [...prefix, 'sh', '-c', reaches, 'sh', cli, addon, apps]).status === 0;
}

function findUser(): Identity {
  if (!isRoot) return { name: 'user', prefix: [], uid: process.getuid?.() ?? nobody };
  if (canReach(asNobody)) return { name: 'user', prefix: asNobody, uid: nobody };
  return { name: 'user', prefix: asBareRoot, uid: 0 };
}

export const user = findUser();
export const root: Identity | undefined = isRoot ? { name: 'root', prefix: [], uid: 0 } : undefined;

/** The identities to test with: the user always, root when we are root. */
export const identities: readonly Identity[] = root === undefined ? [user] : [root, user];

/** The most that this run may be. */
export const self: Identity = root ?? user;
