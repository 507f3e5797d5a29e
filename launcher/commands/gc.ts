// thaw gc: what nothing needs any more.
import { command, print, printJson } from '../command.js';
import { json, store } from '../options.js';
import { type Removed, removeDangling, removeLeftovers, removeUnused } from '../store/install.js';
import { entries } from '../store/store.js';
import { Stores } from '../store/stores.js';
import { usage } from '../store/usage.js';
import { size } from '../units.js';

export default command({
  about:
    'Removes old images that no running instance has mapped, what interrupted builds left behind, and index entries ' +
    'without a profile.',
  options: { store, json },
  operands: [],
  run(options) {
    const store = new Stores(options.store).writable;
    const users = usage();
    const removed: Removed[] = [
      // Every folder, also of profiles whose first build never came to its end.
      ...entries(store.profilesFolder).flatMap((name) => [
        ...removeUnused(store, name, users),
        ...removeLeftovers(store, name),
      ]),
      ...removeDangling(store),
    ];
    if (options.json) printJson(removed);
    else print(text(removed));
    return 0;
  },
});

function text(removed: readonly Removed[]): string {
  const lines = removed.map(({ path, size: bytes }) => `removed ${path} (${size(bytes)})\n`);
  const total = removed.reduce((sum, { size: bytes }) => sum + bytes, 0);
  return `${lines.join('')}${size(total)} freed\n`;
}
