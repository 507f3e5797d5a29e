import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readDefinition } from '../launcher/definition/read.js';
import { resolvedToml } from '../launcher/store/resolved.js';
import type { Bench } from './measure.js';
import { definitionPath } from './paths.js';
import type { ReadOnlyRoot } from './read_only_root.js';
import { Thaw } from './thaw.js';

/**
 * Builds a profile of thaw's own with more keys for its inputs.
 *
 * @param name of the new store, below the bench's folder
 * @returns the thaw command that works on it
 */
export async function buildWithInputs(
  bench: Bench,
  profile: string,
  name: string,
  keys: string,
  root?: ReadOnlyRoot,
): Promise<Thaw> {
  const path = definitionPath(profile);
  const toml = resolvedToml(readFileSync(path, 'utf8'), readDefinition(path));
  const definition = join(bench.work, `${profile}-${name}.toml`);
  writeFileSync(definition, `inputs = { ${keys} }\n${toml}`);
  const thaw = new Thaw(join(bench.work, `${name}-store`), undefined, root);
  await thaw.buildFrom(definition);
  return thaw;
}
