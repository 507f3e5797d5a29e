// thaw rebuild: new images in place of those that launches found out of date.
import { join } from 'node:path';

import { type Attempt, attempt } from '../building/attempt.js';
import { command, print, printJson } from '../command.js';
import { readDefinition } from '../definition/read.js';
import type { Definition } from '../definition/schema.js';
import { interruptible } from '../interruption.js';
import { count, json, store } from '../options.js';
import type { Store } from '../store/store.js';
import { Stores } from '../store/stores.js';

export default command({
  about:
    'Builds the named profiles anew from their definitions in the store; without NAME those whose launch has found that a ' +
    'file had changed since the build, and has left a request. Of a profile in a read-only store, the new image goes into ' +
    'the first store that can be written to.',
  options: {
    store,
    json,
    mostMemory: count(
      '--most-memory <MB>',
      'give a build up whose app takes more memory; the old image stays',
    ),
  },
  operands: ['[NAME...]'],
  async run(options, [named]) {
    const stores = new Stores(options.store);
    const store = stores.writable;
    for (const name of named) stores.of(name).expect(name);
    const asked = stores.names().filter((name) => store.rebuildReason(name) !== undefined);
    const interruption = interruptible();
    const rows: Attempt[] = [];
    for (const name of named.length === 0 ? asked : named) {
      rows.push(
        await attempt(name, () => storedDefinition(stores.of(name), name), store, {
          guardsOff: [],
          interrupt: interruption.signal,
          mostMemory: options.mostMemory === undefined ? undefined : options.mostMemory * 1_000_000,
        }),
      );
      const interrupted = interruption.exitCode();
      if (interrupted !== undefined) return interrupted;
    }
    if (options.json) printJson(rows.map(result));
    else print(rows.map(({ built }) => (built === undefined ? '' : `${built.image}\n`)).join(''));
    return rows.every(({ error }) => error === undefined) ? 0 : 1;
  },
});

/** The profile as it stands in the store, and the environment that its build was told to take. */
function storedDefinition(store: Store, name: string): Definition {
  const { likeEnv } = store.definition(name);
  const definition = readDefinition(join(store.folder(name), 'definition.toml'));
  return likeEnv === undefined ? definition : { ...definition, likeEnv };
}

function result({ name, built, error }: Attempt): unknown {
  return error === undefined
    ? { name, ok: true, image: built?.image }
    : { name, ok: false, error: error.message };
}
