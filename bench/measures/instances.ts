import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ThawError } from '../../launcher/errors.js';
import { Instance, type Start } from '../instance.js';
import type { Bench, Measure } from '../measure.js';
import { coldStart, warmStart } from '../start.js';
import type { Subject } from '../subjects.js';

const NAME = 'instances';
const COUNTS = [1, 2, 4, 8, 16, 32];
const QUICK_COUNTS = [1, 8];

/** Many instances of one app at a time: proportional set sizes (PSS), in which what they share counts once. */
export const instancesMeasure: Measure = {
  name: NAME,
  summary: `memory (PSS) of ${COUNTS.join(', ')} instances, warm against cold`,
  run: async (bench) => {
    for (const subject of bench.subjects) {
      const log = join(bench.work, `${subject.profile}.log`);
      bench.say(`${subject.profile}: instances, warm and cold`);
      await measureInstances(bench, subject, 'warm', warmStart(subject, bench.thaw.store, log));
      await measureInstances(bench, subject, 'cold', coldStart(subject, log));
    }
  },
};

/** Each count is reached by adding instances, each of which has given its first answer. */
async function measureInstances(
  bench: Bench,
  subject: Subject,
  variant: string,
  start: Start,
): Promise<void> {
  const instances: Instance[] = [];
  try {
    for (const count of bench.quick ? QUICK_COUNTS : COUNTS) {
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
