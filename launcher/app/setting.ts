// Where the launches of a profile run.
import type { Definition } from '../definition/definition.js';
import { accountOf } from './account.js';
import type { Setting } from './app.js';
import { environment } from './environment.js';

/** The profile's account, folder and environment. @throws ThawError when there is no such account */
export async function settingOf(definition: Definition): Promise<Setting> {
  const account = await accountOf(definition.user);
  return { env: environment(definition, account), cwd: definition.cwd, account };
}
