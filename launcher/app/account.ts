// Users by name, with the group lists that only the system's name service knows.
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

import { ThawError } from '../errors.js';
import type { User } from '../engine/index.js';
import { withTools } from './tools.js';

// Not execa: `thaw run` looks its user up, and shall not wait for what it takes to load that.
const execute = promisify(execFile);

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
  /** What a process has to change to, when it is not the caller's account. */
  readonly change: User | undefined;
}

/** The account of a user's name or number; undefined stands for the caller. @throws ThawError */
export async function accountOf(user: string | undefined): Promise<Account> {
  const caller = callerAccount();
  if (user === undefined) return caller;
  const [name = user, , uid = '', gid = '', , home = '/', shell = '/bin/sh'] = (
    await ask('getent', ['passwd', user], user)
  ).split(':');
  if (Number(uid) === caller.uid) return caller;
  const groups = (await ask('id', ['-G', name], user)).split(' ').map(Number);
  return { name, uid: Number(uid), home, shell, change: { uid: Number(uid), gid: Number(gid), groups } };
}

/** Whether nobody but the user `name` has the group `gid`, as far as the system's name service tells. */
export async function isGroupOfOne(name: string, gid: number): Promise<boolean> {
  const [users, group] = [await lookUp('passwd'), await lookUp('group', String(gid))];
  if (users.length === 0) return false;
  const sharers = users.filter(([user, , , primary]) => user !== name && Number(primary) === gid);
  const members = group.flatMap(([, , , list = '']) => list.split(',')).filter((one) => one !== '');
  return sharers.length === 0 && members.every((member) => member === name);
}

/** The caller's group, where nobody else has it: what it may write, the caller may. */
export async function callersOwnGroup(): Promise<number | undefined> {
  const gid = process.getegid?.();
  if (gid === undefined) return undefined;
  return (await isGroupOfOne(callerAccount().name, gid)) ? gid : undefined;
}

/** Rows of a database of the name service; none where it has no such entry. */
async function lookUp(database: string, ...keys: readonly string[]): Promise<string[][]> {
  try {
    const { stdout } = await execute('getent', [database, ...keys], { env: searchEnvironment() });
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

function searchEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: withTools(process.env['PATH']) };
}

/** The one that this runs as. */
export function callerAccount(): Account {
  const uid = process.geteuid?.() ?? 0;
  try {
    const { username, homedir, shell } = userInfo();
    return { name: username, uid, home: homedir, shell: shell ?? '/bin/sh', change: undefined };
  } catch {
    return { name: String(uid), uid, home: '/', shell: '/bin/sh', change: undefined }; // A number without an entry in passwd.
  }
}

async function ask(program: string, args: readonly string[], user: string): Promise<string> {
  try {
    return (await execute(program, args, { env: searchEnvironment() })).stdout.trim();
  } catch (error) {
    throw new ThawError(`there is no user ${user}`, {
      remedy: "correct `user` in the profile, or leave it out for the builder's own",
      cause: error,
    });
  }
}
