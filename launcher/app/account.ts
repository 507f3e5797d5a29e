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
  /** What a process has to change to, when it is not the caller's account. */
  readonly change: User | undefined;
}

/** The account of a user's name or number; undefined stands for the caller. @throws ThawError */
export async function accountOf(user: string | undefined): Promise<Account> {
  const caller = callerAccount();
  if (user === undefined) return caller;
  const [name = user, , uid = '', gid = '', , home = '/'] = (
    await ask('getent', ['passwd', user], user)
  ).split(':');
  if (Number(uid) === caller.uid) return caller;
  const groups = (await ask('id', ['-G', name], user)).split(' ').map(Number);
  return { name, uid: Number(uid), home, change: { uid: Number(uid), gid: Number(gid), groups } };
}

function callerAccount(): Account {
  const uid = process.geteuid?.() ?? 0;
  try {
    const { username, homedir } = userInfo();
    return { name: username, uid, home: homedir, change: undefined };
  } catch {
    return { name: String(uid), uid, home: '/', change: undefined }; // A number without an entry in passwd.
  }
}

async function ask(program: string, args: readonly string[], user: string): Promise<string> {
  try {
    const env = { ...process.env, PATH: withTools(process.env['PATH']) };
    return (await execute(program, args, { env })).stdout.trim();
  } catch (error) {
    throw new ThawError(`there is no user ${user}`, {
      remedy: "correct `user` in the profile, or leave it out for the builder's own",
      cause: error,
    });
  }
}
