// thaw report: all that is known of a profile, as a page to look at.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { command, print } from '../command.js';
import { native } from '../engine/index.js';
import { interruptibly } from '../interruption.js';
import { measure } from '../measuring/starts.js';
import { count, store, textOr } from '../options.js';
import { collect } from '../reporting/collect.js';
import { page } from '../reporting/page.js';
import { Stores } from '../store/stores.js';

export default command({
  about:
    'Writes a page (HTML) that shows a profile: cold starts against warm launches, the phases of a launch, a map of the ' +
    "app's memory, descriptors, inputs, and the history. It is one file, and nothing is fetched to show it. What was " +
    'measured is what the last thaw bench or thaw report --runs has found.',
  options: {
    store,
    output: textOr('-o, --output <FILE>', 'write the page there, - for standard output', 'report.html'),
    runs: count(
      '--runs <N>',
      'first start the app so often cold, warm, and warm with phases, as thaw bench --trace does',
    ),
  },
  operands: ['<NAME>'],
  run({ store: root, output, runs }, [name]) {
    return interruptibly(async (signal) => {
      const stores = new Stores(root);
      stores.of(name).expect(name);
      if (runs !== undefined) await measure(stores, name, runs, true, signal);
      const text = page(collect(stores, name), native.version, new Date());
      if (output === '-') print(text);
      else {
        writeFileSync(output, text);
        print(`${resolve(output)}\n`);
      }
      return 0;
    });
  },
});
