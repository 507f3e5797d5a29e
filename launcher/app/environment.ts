// What an app sees of the machine it is built on: little, and the same for every builder.
import type { Definition } from '../definition/definition.js';
import type { Account } from './account.js';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The minimal environment of an app, with the variables of its definition. */
export function environment({ env }: Pick<Definition, 'env'>, account: Account): Record<string, string> {
  const { name, home } = account;
  return { PATH, HOME: home, LANG: 'C.UTF-8', USER: name, LOGNAME: name, ...env };
}
