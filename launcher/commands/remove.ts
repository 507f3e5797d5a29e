// thaw remove: profiles with their images.
import { command, print, printJson } from '../command.js';
import { json, store } from '../options.js';
import { removeProfile } from '../store/install.js';
import { Stores } from '../store/stores.js';

export default command({
  about:
    'Removes profiles with all their images. Instances that run go on; thaw-exec starts the program cold from now on.',
  options: { store, json },
  operands: ['<NAME...>'],
  run(options, [names]) {
    const store = new Stores(options.store).writable;
    // All or none: a name that is wrong shall not leave half of the work done.
    for (const name of names) store.expect(name);
    for (const name of names) {
      removeProfile(store, name);
      if (!options.json) print(`removed ${name}\n`);
    }
    if (options.json) printJson(names.map((name) => ({ name })));
    return 0;
  },
});
