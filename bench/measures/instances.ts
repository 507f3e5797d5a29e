import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ThawError } from '../../launcher/errors.js';
import { compressionFor, type Format, FORMATS } from '../../launcher/packing/formats/index.js';
import { Instance, type Start } from '../instance.js';
import { unlessLacking } from '../lacking.js';
import type { Bench, Measure } from '../measure.js';
import { SealedStore, sealedPath } from '../sealed_store.js';
import { coldStart, warmStart } from '../start.js';
import type { Subject } from '../subjects.js';

const NAME = 'instances';
const COUNTS = [1, 2, 4, 8, 16, 32];
const QUICK_COUNTS = [1, 8];
const SEALED_RATE_MB = 20;

/** Many instances of one app at a time: proportional set sizes (PSS), in which what they share counts once. */
export const instancesMeasure: Measure = {
  name: NAME,
  summary: `memory (PSS) of ${COUNTS.join(', ')} instances, warm against cold`,
  run: async (bench) => {
    for (const subject of bench.subjects) {
      const log = join(bench.work, `${subject.profile}.log`);
      bench.say(`${subject.profile}: instances, warm and cold`);
      const counts = bench.quick ? QUICK_COUNTS : COUNTS;
      await measureInstances(bench, subject, 'warm', warmStart(subject, bench.thaw.store, log), counts);
      await measureInstances(bench, subject, 'cold', coldStart(subject, log), counts);
      for (const format of FORMATS)
        await unlessLacking(bench.recorder, `${subject.profile}: instances from a sealed store`, () =>
          measureSealed(bench, subject, format, log),
        );
    }
  },
};

async function measureSealed(bench: Bench, subject: Subject, format: Format, log: string): Promise<void> {
  const { store } = bench.thaw;
  const path = sealedPath(store, format.name);
  const sealed = await SealedStore.of(store, path, compressionFor(format, SEALED_RATE_MB), [subject.profile]);
  try {
    const start = warmStart(subject, sealed.store, log);
    await measureInstances(bench, subject, sealedVariant(format.name), start, QUICK_COUNTS);
  } finally {
    sealed.end();
  }
}

export function sealedVariant(format: string): string {
  return `warm, ${format}`;
}

/** Each count is reached by adding instances, each of which has given its first answer. */
async function measureInstances(
  bench: Bench,
  subject: Subject,
  variant: string,
  start: Start,
  counts: readonly number[],
): Promise<void> {
  const instances: Instance[] = [];
  try {
    for (const count of counts) {
      while (instances.length < count)
        instances.push(await Instance.start(start, subject.first(instances.length + 1)));
      const sum = instances.reduce((total, { pid }) => total + proportionalSize(pid), 0);
      bench.recorder.add({ measure: NAME, subject: subject.profile, variant, x: count }, 'kB', sum);
    }
  } finally {
    await Promise.all(instances.map((instance) => instance.end()));
  }
}

/** In kB, of a process with all that it maps. */
function proportionalSize(pid: number): number {
  const found = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  if (found === undefined) throw new ThawError(`/proc/${pid}/smaps_rollup has no Pss`);
  return Number(found);
}
