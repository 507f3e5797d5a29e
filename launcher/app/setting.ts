// What an app sees of the machine: little, and the same for every builder.
import type { Definition } from '../definition/schema.js';
import { type Account, accountOf } from './account.js';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Variables of an environment. */
export type Variables = Readonly<Record<string, string>>;

/** Where the app, the commands that exercise it and its launches run. */
export interface Setting {
  readonly env: Variables;
  readonly cwd: string;
  readonly account: Account;
  /** Clocks that begin near zero, where privileges allow: the image can then be launched soon after any boot. */
  readonly freshClocks?: boolean;
  /** Standard input stays open: a pipe that nobody writes to. Only of what is kept. */
  readonly openInput?: boolean;
  /** Its standard descriptors are a terminal of its own; what it shows there is its output. */
  readonly terminal?: boolean;
  /** Ends with thaw, however thaw ends. A process more to start: not for what is measured. */
  readonly kept?: boolean;
  /** A pid that can be found in the app's memory, where privileges allow. */
  readonly unusualPid?: boolean;
  /** One above the machine's limit, where that is small and privileges allow. */
  readonly largePid?: boolean;
  /** See which variables of its environment the app looks up. */
  readonly watchLookups?: boolean;
}

/**
 * The profile's account and folder, and the profile's variables in a minimal environment, or in that of the place where the app
 * will be launched.
 * @throws ThawError when there is no such account
 */
export async function settingOf({ user, env, cwd, likeEnv, warmup }: Definition): Promise<Setting> {
  const account = await accountOf(user);
  return {
    env: { ...(likeEnv ?? minimalEnvironment(account)), ...env },
    cwd,
    account,
    openInput: warmup.stdin === 'open',
    terminal: warmup.stdin === 'terminal',
  };
}

/** What an account's apps are built with, unless the profile or `thaw build` says more. */
export function minimalEnvironment({ name, home }: Account): Variables {
  return { PATH, HOME: home, LANG: 'C.UTF-8', USER: name, LOGNAME: name };
}
