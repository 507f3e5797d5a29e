import { join } from 'node:path';

import { withDevicesReadAhead } from '../disk.js';
import { unlessLacking } from '../lacking.js';
import { recordFirstAnswer, withEnv } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { LaunchFiles } from '../page_cache.js';
import { warmStart } from '../start.js';

const NAME = 'dropped';

/** First answers when the storage has to be read, against reading as many bytes in one sweep. */
export const droppedMeasure: Measure = {
  name: NAME,
  summary: 'first answer with the page cache dropped, against reading the bytes of the working set',
  run: (bench) => unlessLacking(bench.recorder, NAME, () => measureDropped(bench, NAME)),
};

/** `x`: at which rate the storage gives, where that is limited. @throws LackingError if the disk cannot be set up for it */
export async function measureDropped(bench: Bench, measure: string, x?: number): Promise<void> {
  await withDevicesReadAhead(bench.thaw.store, () => measureEach(bench, measure, x));
}

async function measureEach(bench: Bench, measure: string, x?: number): Promise<void> {
  const key = { measure, x };
  for (const subject of bench.subjects) {
    bench.say(`${subject.profile}: page cache dropped${x === undefined ? '' : `, ${x} MB/s`}`);
    const files = new LaunchFiles(bench.thaw, subject.profile);
    const warm = warmStart(subject, bench.thaw.store, join(bench.work, `${subject.profile}.log`));
    const launch = (variant: string, start: typeof warm) => (round: number) => {
      files.drop();
      return recordFirstAnswer(bench, { ...key, variant }, subject, start, round);
    };
    await inTurn(bench.rounds, [
      launch('warm', warm),
      launch('not-fed', withEnv(warm, { THAW_FEED: 'off' })),
      (): Promise<void> => {
        files.drop();
        const ms = files.readWorkingSet();
        bench.recorder.add({ ...key, subject: subject.profile, variant: 'read' }, 'ms', ms);
        return Promise.resolve();
      },
    ]);
  }
}
