// thaw rebuild: new images in place of those that launches found out of date.
import { join } from 'node:path';

import { type Built, build } from '../building/build.js';
import { command, print, printJson } from '../command.js';
import { readDefinition } from '../definition/read.js';
import { ThawError, messageOf } from '../errors.js';
import { interruptible } from '../interruption.js';
import { json, store } from '../options.js';
import { Progress } from '../progress.js';
import { errorReport } from '../report.js';
import { Store } from '../store/store.js';

export default command({
  about:
    'Builds the named profiles anew from their definitions in the store; without NAME those whose launch has found that a ' +
    'file had changed since the build, and has left a request.',
  options: { store, json },
  operands: ['[NAME...]'],
  async run(options, [named]) {
    const store = new Store(options.store);
    for (const name of named) store.expect(name);
    const asked = store.names().filter((name) => store.rebuildReason(name) !== undefined);
    const interruption = interruptible();
    const rows: Row[] = [];
    for (const name of named.length === 0 ? asked : named) {
      rows.push(await rebuild(store, name, interruption.signal));
      const interrupted = interruption.exitCode();
      if (interrupted !== undefined) return interrupted;
    }
    if (options.json) printJson(rows);
    else print(rows.map(({ image }) => (image === undefined ? '' : `${image}\n`)).join(''));
    return rows.every(({ ok }) => ok) ? 0 : 1;
  },
});

interface Row {
  readonly name: string;
  readonly ok: boolean;
  readonly image?: Built['image'];
  readonly error?: string;
}

async function rebuild(store: Store, name: string, interrupt: AbortSignal): Promise<Row> {
  try {
    const definition = readDefinition(join(store.folder(name), 'definition.toml'));
    const { image } = await build(definition, store, {
      guardsOff: [],
      progress: new Progress(name),
      interrupt,
    });
    return { name, ok: true, image };
  } catch (error) {
    const told = error instanceof ThawError ? error : new ThawError(messageOf(error), { cause: error });
    process.stderr.write(errorReport(told));
    return { name, ok: false, error: told.message };
  }
}
