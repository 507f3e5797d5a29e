// thaw list: the profiles in the store.
import { command, print, printJson } from '../command.js';
import { messageOf } from '../errors.js';
import { type Image, native } from '../engine/index.js';
import { json, store } from '../options.js';
import { guardProblems } from '../store/guard.js';
import type { Store } from '../store/store.js';
import { Stores } from '../store/stores.js';
import { type Usage, usage } from '../store/usage.js';
import { table } from '../columns.js';
import { size } from '../units.js';

export default command({
  about:
    'Lists the profiles: when their image was made, what it takes on disk, how many older images are kept for instances ' +
    'that still run, the running instances, and the command.',
  options: { store, json },
  operands: [],
  run(options) {
    const stores = new Stores(options.store);
    const users = usage();
    const list = stores.all.flatMap((store) =>
      store.names().map((name) => entry({ store, stores }, name, users)),
    );
    if (options.json) printJson(list);
    else print(text(list, stores.all.length > 1));
    return 0;
  },
});

interface Entry {
  readonly name: string;
  readonly store: string;
  /** The first one's, as is `madeAt`. */
  readonly image: string | null;
  /** How many there are, of which a launch takes one. */
  readonly layouts: number;
  readonly madeAt: string | null;
  readonly onDisk: number | null;
  readonly oldImages: number;
  readonly pids: readonly number[];
  readonly program: string;
  readonly args: readonly string[];
  /** Why there is no image to launch. */
  readonly problem: string | null;
  /** Why the guard does not let launches use it. */
  readonly setAside: string | null;
  /** Why a launch has asked for a new image. */
  readonly rebuild: string | null;
}

interface Place {
  readonly store: Store;
  readonly stores: Stores;
}

function entry({ store, stores }: Place, name: string, users: Usage): Entry {
  const { program, args } = store.definition(name);
  const images = store.images(name);
  const [current, problem] = currentImages(store, name);
  const [image] = current;
  return {
    name,
    store: store.root,
    image: image?.header.id ?? null,
    layouts: current.length,
    madeAt: image === undefined ? null : new Date(image.requirements.madeAtMs).toISOString(),
    onDisk: image === undefined ? null : current.reduce((sum, { sizes }) => sum + sizes.onDisk, 0),
    oldImages: images.filter((file) => !store.currentImages(name).includes(file)).length,
    pids: images.flatMap((file) => users.get(file) ?? []),
    program,
    args,
    problem: problem ?? null,
    setAside: store.allCurrent(name).flatMap((path) => guardProblems(path, stores.list))[0]?.what ?? null,
    rebuild: store.rebuildReason(name) ?? stores.writable.rebuildReason(name) ?? null,
  };
}

function currentImages(store: Store, name: string): [Image[], string?] {
  try {
    // The first one may be missing, which is a problem.
    const [first, ...others] = store.allCurrent(name);
    return [[first ?? store.current(name), ...others].map((path) => native.show(path))];
  } catch (error) {
    return [[], messageOf(error)];
  }
}

function remark({ layouts, setAside, rebuild }: Entry): string {
  const images = layouts > 1 ? ` (${layouts} images)` : '';
  if (setAside !== null) return `${images} (${setAside})`;
  return rebuild === null ? images : `${images} (out of date)`;
}

function text(list: readonly Entry[], withStore: boolean): string {
  const rows = list.map((e) => [
    e.name,
    ...(withStore ? [e.store] : []),
    e.madeAt === null ? '-' : e.madeAt.slice(0, 16).replace('T', ' '),
    e.onDisk === null ? '-' : size(e.onDisk),
    String(e.oldImages),
    String(e.pids.length),
    (e.problem ?? [e.program, ...e.args].join(' ')) + remark(e),
  ]);
  return table(
    [
      { title: 'NAME' },
      ...(withStore ? [{ title: 'STORE' }] : []),
      { title: 'MADE (UTC)' },
      { title: 'ON DISK', right: true },
      { title: 'OLD', right: true },
      { title: 'RUNNING', right: true },
      { title: 'COMMAND' },
    ],
    rows,
  );
}
