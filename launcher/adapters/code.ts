// Where the code of an adapter is, and whether it is there: a compiled one is only where its compiler was.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { buildFolder, projectFolder } from '../engine/index.js';
import type { Adapter } from './adapter.js';
import { type AdapterName, adapters } from './index.js';

export function codeOf(name: AdapterName): string {
  const adapter: Adapter = adapters[name];
  return adapter.built === true ? join(buildFolder(), name) : join(projectFolder, 'native/adapters', name);
}

export const isThere = (name: AdapterName): boolean => existsSync(codeOf(name));
