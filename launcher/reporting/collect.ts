// All that a report says of a profile.
import type { Definition } from '../definition/schema.js';
import { type Image, type Problem, native } from '../engine/index.js';
import { guardProblems } from '../store/guard.js';
import { type HistoryEntry, historyOf } from '../store/history.js';
import { noticesOf } from '../store/pids.js';
import type { Stores } from '../store/stores.js';
import type { ChartData } from './data.js';
import { regionsOf } from './memory.js';

export interface Report {
  readonly definition: Definition;
  readonly image: Image;
  /** What keeps launches from using the image. */
  readonly problems: readonly Problem[];
  /** What works, and should be known. */
  readonly notices: readonly { readonly text: string; readonly remedy: string }[];
  readonly charts: ChartData;
}

/** @throws ThawError where there is no such profile, or no image of it */
export function collect(stores: Stores, name: string): Report {
  const store = stores.of(name);
  const keeper = stores.keeperOf(name);
  const path = store.current(name);
  const definition = store.definition(name);
  const image = native.show(path);
  const history = historyOf(keeper, name);
  return {
    definition,
    image,
    problems: [
      ...native.verify(path, { data: false }).problems,
      ...guardProblems(path, stores.list),
      ...requested(keeper.rebuildReason(name), name),
    ],
    notices: image.processes.flatMap((process) => noticesOf(process, image.processes)),
    charts: {
      regions: regionsOf(image, native.storedPages(path)),
      pageSize: image.header.pageSize,
      measured: history
        .filter(({ kind }) => kind === 'starts')
        .map((one) => one as Extract<HistoryEntry, { kind: 'starts' }>)
        .map(({ at, cold, warm, phases }) => ({ at, cold, warm, phases })),
      built: history
        .filter(({ kind }) => kind === 'build')
        .map((one) => one as Extract<HistoryEntry, { kind: 'build' }>)
        .map(({ at, onDisk, workingSet }) => ({ at, onDisk, workingSet })),
    },
  };
}

function requested(reason: string | undefined, name: string): Problem[] {
  if (reason === undefined) return [];
  return [{ condition: 'out of date', what: reason.trim(), remedy: `thaw rebuild ${name}` }];
}
