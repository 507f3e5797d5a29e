import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { Instance } from '../instance.js';
import type { Bench, Measure } from '../measure.js';
import { warmStart } from '../start.js';
import type { Subject } from '../subjects.js';

const NAME = 'first-second';
const SECOND_MS = 1000;

/**
 * The CPU time that an app uses until its first answer, in the second after that, and in a later one; nobody asks it anything in these two.
 * What the second after has beyond the later one would be housekeeping that waking up has set off (a collection of garbage after a jump of the
 * clock, timers that all fire at once).
 */
export const firstSecondMeasure: Measure = {
  name: NAME,
  summary: 'CPU time until the first answer, in the second after it, and in a later second',
  run: async (bench) => {
    for (const subject of bench.subjects) {
      bench.say(`${subject.profile}: CPU time of the first seconds`);
      for (let round = 1; round <= bench.rounds; round++) await measureOnce(bench, subject, round);
    }
  },
};

async function measureOnce(bench: Bench, subject: Subject, round: number): Promise<void> {
  const start = warmStart(subject, bench.thaw.store, join(bench.work, `${subject.profile}.log`));
  const instance = await Instance.start(start, subject.first(round));
  try {
    let before = 0;
    const record = (variant: string): void => {
      const now = cpuMilliseconds(instance.pid);
      bench.recorder.add({ measure: NAME, subject: subject.profile, variant }, 'ms', now - before);
      before = now;
    };
    record('until the answer');
    for (const variant of ['second after', 'later second']) {
      await setTimeout(SECOND_MS);
      record(variant);
    }
  } finally {
    await instance.end();
  }
}

/** Of all threads that live, since they began (Documentation/scheduler/sched-stats.rst of the kernel). */
function cpuMilliseconds(pid: number): number {
  const tasks = join('/proc', String(pid), 'task');
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ', 1)[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}
