import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { compressionFor, type Format, FORMATS } from '../../launcher/packing/formats/index.js';
import { buildWithInputs } from '../build_with_inputs.js';
import { withDevicesReadAhead } from '../disk.js';
import { unlessLacking } from '../lacking.js';
import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { LaunchFiles } from '../page_cache.js';
import { ReadOnlyRoot } from '../read_only_root.js';
import { SealedStore, sealedPath } from '../sealed_store.js';
import { warmStart } from '../start.js';
import type { Subject } from '../subjects.js';
import type { Thaw } from '../thaw.js';
import { throttled } from '../throttle.js';

const NAME = 'sealed';
/** Of simple and of good flash; and the machine's own disk, which nothing limits. */
const SEALED_RATES_MB: readonly (number | undefined)[] = [20, 50, undefined];
/** What device makers choose for roots: room counts. */
const ROOTS_RATE_MB = 20;

type Action = (round: number) => Promise<void>;

/** First answers from sealed stores, the page cache dropped, beside those from the store that they were made of. */
export const sealedMeasure: Measure = {
  name: NAME,
  summary:
    'first answer from sealed stores, on a root of files and on a sealed one, with the page cache dropped, ' +
    'storage limited to 20 and 50 MB/s and not limited',
  run: async (bench) => {
    const fewer = { ...bench, rounds: Math.min(bench.rounds, 5) };
    for (const subject of bench.subjects)
      await unlessLacking(bench.recorder, `${subject.profile} from sealed stores`, () =>
        withDevicesReadAhead(bench.thaw.store, () => measureEach(fewer, subject)),
      );
  },
};

async function measureEach(bench: Bench, subject: Subject): Promise<void> {
  const devices: Device[] = [];
  try {
    for (const format of FORMATS) {
      bench.say(`${subject.profile}: its files on ${format.name}, and an image made there`);
      devices.push(await Device.of(bench, subject, format));
    }
    for (const rate of bench.quick ? SEALED_RATES_MB.slice(0, 1) : SEALED_RATES_MB) {
      bench.say(`${subject.profile}: sealed, ${rate === undefined ? 'the disk' : `${rate} MB/s`}`);
      const measure = (): Promise<void> => measureAt(bench, subject, devices, rate);
      await (rate === undefined ? measure() : throttled(bench.thaw.store, rate * 1e6, measure));
    }
  } finally {
    for (const device of devices) device.end();
  }
}

async function measureAt(
  bench: Bench,
  subject: Subject,
  devices: readonly Device[],
  rate: number | undefined,
): Promise<void> {
  const { profile } = subject;
  const key = { measure: NAME, x: rate };
  const files = new LaunchFiles(bench.thaw, profile);
  const sealed: SealedStore[] = [];
  const seal = async (thaw: Thaw, format: Format): Promise<SealedStore> => {
    const path = sealedPath(thaw.store, format.name);
    const store = await SealedStore.of(thaw.store, path, compressionFor(format, rate ?? Infinity), [profile]);
    sealed.push(store);
    return store;
  };
  try {
    const log = join(bench.work, `${profile}.log`);
    const actions: Action[] = [
      (round) => {
        files.drop();
        const start = warmStart(subject, bench.thaw.store, log);
        return recordFirstAnswer(bench, { ...key, variant: 'ext4' }, subject, start, round);
      },
      () => {
        files.drop();
        bench.recorder.add({ ...key, subject: profile, variant: 'read' }, 'ms', files.readWorkingSet());
        return Promise.resolve();
      },
    ];
    for (const { format, root, thaw } of devices) {
      const store = await seal(bench.thaw, format);
      actions.push((round) => {
        files.drop();
        store.drop();
        const start = warmStart(subject, store.store, log);
        return recordFirstAnswer(bench, { ...key, variant: format.name }, subject, start, round);
      });
      const own = await seal(thaw, format);
      actions.push(async (round) => {
        own.drop();
        await root.drop();
        const start = root.start(warmStart(subject, own.store, log));
        await recordFirstAnswer(bench, { ...key, variant: sealedRoot(format.name) }, subject, start, round);
      });
    }
    await inTurn(bench.rounds, actions);
  } finally {
    for (const store of sealed) store.end();
    // What holds the mount has begun under the limit, and would keep it.
    for (const { root } of devices) await root.unmount();
  }
}

/** The variant whose program and libraries are on such a file system, too. */
export function sealedRoot(format: string): string {
  return `${format}, root too`;
}

/** A root with the program and the libraries of a subject, and an image of it that was made there. */
class Device {
  private constructor(
    readonly format: Format,
    readonly root: ReadOnlyRoot,
    readonly thaw: Thaw,
  ) {}

  static async of(bench: Bench, { profile }: Subject, format: Format): Promise<Device> {
    const name = `${profile}-${format.name}`;
    const folder = join(bench.work, name);
    mkdirSync(folder);
    const { mapped } = new LaunchFiles(bench.thaw, profile);
    const root = await ReadOnlyRoot.ofFiles(mapped, {
      image: `${folder}.${format.name}`,
      format: format.name,
      compression: compressionFor(format, ROOTS_RATE_MB),
      folder,
    });
    try {
      // They change with the root alone, of which some file systems keep no change times: a launch would read what is no program.
      const keys = `ignore = ${JSON.stringify(mapped)}`;
      return new Device(format, root, await buildWithInputs(bench, profile, name, keys, root));
    } catch (error) {
      root.end();
      throw error;
    }
  }

  end(): void {
    this.root.end();
  }
}
