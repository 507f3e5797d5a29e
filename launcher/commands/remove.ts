// thaw remove: profiles with their images.
import { parse, print, printJson } from '../command.js';
import { UsageError } from '../errors.js';
import { removeProfile } from '../store/install.js';
import { Store } from '../store/store.js';

export const help = `usage: thaw remove [--store DIR] [--json] NAME...

Removes profiles with all their images. Instances that run go on; thaw-exec starts the program cold from now on.
`;

export function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, { store: { type: 'string' }, json: { type: 'boolean' } });
  if (positionals.length === 0) throw new UsageError('NAME is missing');
  const store = new Store(values.store);
  // All or none: a name that is wrong shall not leave half of the work done.
  for (const name of positionals) store.expect(name);
  for (const name of positionals) {
    removeProfile(store, name);
    if (values.json !== true) print(`removed ${name}\n`);
  }
  if (values.json === true) printJson(positionals.map((name) => ({ name })));
  return Promise.resolve(0);
}
