// Whether launches of a profile would be warm, and if not, whether a new image helps.
import { existsSync } from 'node:fs';

import { native } from '../engine/index.js';
import { messageOf } from '../errors.js';
import { guardProblems } from '../store/guard.js';
import type { Store } from '../store/store.js';
import type { Stores } from '../store/stores.js';

export interface Stale {
  /** A condition of a launch (docs/launch-checks.md), or `asked`: a launch has left a request. */
  readonly condition: string;
  readonly what: string;
}

/** Another image would not have these problems; one of another user or kernel would. Whose it is counts for who launches it. */
const CURED = ['image', 'program', 'file', 'input', 'cpu', 'page size', 'guard'];

/** Why launches want a new image; undefined: they do not. Launches take the first image that does, of any of the stores. */
export function staleness(stores: Stores, name: string): Stale | undefined {
  const found = stores.all.filter((store) => store.has(name)).map((store) => problemIn(stores, store, name));
  const [first] = found;
  if (first !== undefined && found.every((problem) => problem !== undefined)) return first;
  const asked = stores.writable.rebuildReason(name);
  return asked === undefined ? undefined : { condition: 'asked', what: asked.trim() };
}

function problemIn(stores: Stores, store: Store, name: string): Stale | undefined {
  const paths = store.allCurrent(name);
  if (!existsSync(store.current(name))) return { condition: 'image', what: 'there is none' };
  for (const path of paths) {
    const problem = problemsOf(path, stores.list).find(({ condition }) => CURED.includes(condition));
    if (problem !== undefined) return { condition: problem.condition, what: problem.what };
  }
  return undefined;
}

function problemsOf(path: string, stores: string): readonly Stale[] {
  try {
    return [...native.verify(path, { data: false }).problems, ...guardProblems(path, stores)];
  } catch (error) {
    return [{ condition: 'image', what: messageOf(error) }];
  }
}
