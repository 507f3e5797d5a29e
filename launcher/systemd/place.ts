// Where things lie on the device whose service is launched.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { native } from '../engine/index.js';
import { Store } from '../store/store.js';
import { rootsIn } from '../store/stores.js';

const THAW_EXEC = ['/usr/local/bin/thaw-exec', '/usr/bin/thaw-exec', '/bin/thaw-exec'];
/** Where every thaw-exec looks (native/store/store.h). */
const SYSTEM_STORE = '/var/lib/thaw';

/** As paths of the device. */
export interface Place {
  readonly thawExec: string;
  /** In the order in which launches look into them. */
  readonly stores: readonly string[];
  /** Launches find them by themselves. */
  readonly areDefault: boolean;
}

/** `root`: '' for this machine; `wanted`: paths there, as --store has them. */
export function placeIn(root: string, wanted: string | undefined): Place {
  const installed = THAW_EXEC.find((path) => existsSync(join(root, path)));
  const stores = storesIn(root, wanted);
  return {
    thawExec: installed ?? (root === '' ? native.thawExec() : (THAW_EXEC[1] ?? '')),
    stores,
    areDefault: stores.length === 1 && stores[0] === SYSTEM_STORE,
  };
}

function storesIn(root: string, wanted: string | undefined): readonly string[] {
  if (wanted !== undefined) return rootsIn(wanted).map((path) => (root === '' ? resolve(path) : path));
  return root === '' ? native.ownStores().map((path) => new Store(path).root) : [SYSTEM_STORE];
}
