// The signal frames that a launch enters threads with, on each CPU that guests can have: cross/check.
import test from 'ava';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../engine/support/paths.js';
import { GUEST_CPUS } from '../../launcher/cpus.js';

for (const cpu of GUEST_CPUS)
  test(`${cpu}: every register comes back from a signal frame`, async (t) => {
    const { stdout } = await promisify(execFile)(join(root, 'cross/check/run.sh'), [cpu]);
    t.regex(stdout, new RegExp(`^(${cpu}: registers came back\n)+$`));
  });
