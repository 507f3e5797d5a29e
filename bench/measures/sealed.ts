import { join } from 'node:path';

import { withDevicesReadAhead } from '../disk.js';
import { unlessLacking } from '../lacking.js';
import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { LaunchFiles } from '../page_cache.js';
import { SealedStore, sealedFormats, sealedPath } from '../sealed_store.js';
import { warmStart } from '../start.js';
import { throttled } from '../throttle.js';
import { STORAGE_RATES_MB } from './storage.js';

const NAME = 'sealed';
/** What is asked for where nothing limits the storage. */
const UNLIMITED = Infinity;

/** First answers from sealed stores, the page cache dropped, beside those from the store that they were made of. */
export const sealedMeasure: Measure = {
  name: NAME,
  summary: `first answer from sealed stores with the page cache dropped, storage limited to ${STORAGE_RATES_MB.join(', ')} MB/s and not limited`,
  run: async (bench) => {
    const fewer = { ...bench, rounds: Math.min(bench.rounds, 5) };
    for (const rate of bench.quick ? STORAGE_RATES_MB.slice(0, 1) : STORAGE_RATES_MB)
      await unlessLacking(bench.recorder, `sealed stores at ${rate} MB/s`, () =>
        withDevicesReadAhead(bench.thaw.store, () => measureAt(fewer, rate)),
      );
    if (!bench.quick)
      await unlessLacking(bench.recorder, 'sealed stores', () =>
        withDevicesReadAhead(bench.thaw.store, () => measureAt(fewer, UNLIMITED)),
      );
  },
};

async function measureAt(bench: Bench, rate: number): Promise<void> {
  for (const subject of bench.subjects) {
    const { profile } = subject;
    bench.say(`${profile}: sealed, ${rate} MB/s`);
    const key = { measure: NAME, ...(rate === UNLIMITED ? {} : { x: rate }) };
    const log = join(bench.work, `${profile}.log`);
    const files = new LaunchFiles(bench.thaw, profile);
    const sealed: SealedStore[] = [];
    try {
      const launches = [
        (round: number) => {
          files.drop();
          const start = warmStart(subject, bench.thaw.store, log);
          return recordFirstAnswer(bench, { ...key, variant: 'ext4' }, subject, start, round);
        },
        (): Promise<void> => {
          files.drop();
          bench.recorder.add({ ...key, subject: profile, variant: 'read' }, 'ms', files.readWorkingSet());
          return Promise.resolve();
        },
      ];
      for (const { name, compression } of sealedFormats(rate)) {
        const store = await SealedStore.of(
          bench.thaw.store,
          sealedPath(bench.thaw.store, name),
          compression,
          [profile],
        );
        sealed.push(store);
        launches.push((round) => {
          files.drop();
          store.drop();
          const start = warmStart(subject, store.store, log);
          return recordFirstAnswer(bench, { ...key, variant: name }, subject, start, round);
        });
      }
      const measure = (): Promise<void> => inTurn(bench.rounds, launches);
      await (rate === UNLIMITED ? measure() : throttled(bench.thaw.store, rate * 1e6, measure));
    } finally {
      for (const store of sealed) store.end();
    }
  }
}
