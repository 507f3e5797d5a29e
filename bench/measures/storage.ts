import { unlessLacking } from '../lacking.js';
import type { Measure } from '../measure.js';
import { throttled } from '../throttle.js';
import { measureDropped } from './dropped.js';

const NAME = 'storage';
/** From flash of a simple device to a good one. */
export const STORAGE_RATES_MB = [20, 50, 100];

/** The same as `dropped`, with storage that gives so many megabytes a second. */
export const storageMeasure: Measure = {
  name: NAME,
  summary: `first answer with the page cache dropped, storage limited to ${STORAGE_RATES_MB.join(', ')} MB/s`,
  run: async (bench) => {
    // Slow storage spreads little: fewer rounds tell as much.
    const fewer = { ...bench, rounds: Math.min(bench.rounds, 3) };
    for (const rate of bench.quick ? STORAGE_RATES_MB.slice(0, 1) : STORAGE_RATES_MB)
      await unlessLacking(bench.recorder, `storage limited to ${rate} MB/s`, () =>
        throttled(bench.thaw.store, rate * 1e6, () => measureDropped(fewer, NAME, rate)),
      );
  },
};
