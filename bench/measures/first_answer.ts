import { join } from 'node:path';

import { messageOf } from '../../launcher/errors.js';
import { CriuImage, findCriu } from '../criu.js';
import { recordFirstAnswer, withEnv } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { coldStart, warmStart } from '../start.js';
import type { Subject } from '../subjects.js';

const NAME = 'first-answer';

/** Cold, warm with and without the working set, and by CRIU; everything in the page cache. */
export const firstAnswerMeasure: Measure = {
  name: NAME,
  summary: 'first answer: cold, warm with and without the working set, CRIU',
  run: async (bench) => {
    for (const subject of bench.subjects) {
      bench.say(`${subject.profile}: cold, warm, not fed, CRIU`);
      await inTurn(bench.rounds, [...ourVariants(bench, subject), ...(await criuVariants(bench, subject))]);
    }
  },
};

type Variant = (round: number) => Promise<void>;

function ourVariants(bench: Bench, subject: Subject): Variant[] {
  const log = join(bench.work, `${subject.profile}.log`);
  const warm = warmStart(subject, bench.thaw.store, log);
  const record = (variant: string, start: typeof warm) => (round: number) =>
    recordFirstAnswer(bench, { measure: NAME, variant }, subject, start, round);
  return [
    record('cold', coldStart(subject, log)),
    record('warm', warm),
    record('not-fed', withEnv(warm, { THAW_FEED: 'off' })),
  ];
}

/** The ways of restoring by CRIU that work here; the results say what does not work, and why. */
async function criuVariants(bench: Bench, subject: Subject): Promise<Variant[]> {
  const criu = findCriu();
  if (criu === undefined) {
    bench.recorder.leaveOut('CRIU', 'no criu in PATH that starts; $CRIU names one');
    return [];
  }
  let image: CriuImage;
  try {
    image = await CriuImage.make(subject, join(bench.work, 'criu', subject.profile), criu.program);
    await image.firstAnswer(1);
  } catch (error) {
    bench.recorder.leaveOut(`${subject.profile} by CRIU ${criu.version}`, messageOf(error));
    return [];
  }
  const add = (variant: string, microseconds: number): void => {
    bench.recorder.add({ measure: NAME, subject: subject.profile, variant }, 'ms', microseconds / 1000);
  };
  return [
    untilItFails(bench, `${subject.profile} by CRIU ${criu.version}`, async (round) => {
      add('criu', (await image.firstAnswer(round)).microseconds);
    }),
    untilItFails(bench, `${subject.profile} by CRIU ${criu.version} --lazy-pages`, async (round) => {
      add('criu-lazy', (await image.firstAnswerLazily(round)).microseconds);
    }),
  ];
}

/** What others' restores cannot do shall not end the measurement of ours. */
function untilItFails(bench: Bench, what: string, variant: Variant): Variant {
  let failed = false;
  return async (round) => {
    if (failed) return;
    try {
      await variant(round);
    } catch (error) {
      failed = true;
      bench.recorder.leaveOut(what, messageOf(error));
    }
  };
}
