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
 * The CPU time that an app uses in its first second, with its first request, against a later second with another: what is
 * beyond the launch itself and cold pages would be housekeeping that waking up has set off (a collection of garbage after
 * a jump of the clock, timers that all fire at once).
 */
export const firstSecondMeasure: Measure = {
  name: NAME,
  summary: 'CPU time of the first second after a launch, against a later one, each with a request',
  run: async (bench) => {
    for (const subject of bench.subjects) {
      bench.say(`${subject.profile}: first second, later second`);
      for (let round = 1; round <= bench.rounds; round++) await measureOnce(bench, subject, round);
    }
  },
};

async function measureOnce(bench: Bench, subject: Subject, round: number): Promise<void> {
  const start = warmStart(subject, bench.thaw.store, join(bench.work, `${subject.profile}.log`));
  const record = (variant: string, ms: number): void => {
    bench.recorder.add({ measure: NAME, subject: subject.profile, variant }, 'ms', ms);
  };
  const question = subject.first(round);
  const instance = await Instance.start(start, question);
  try {
    await setTimeout(SECOND_MS);
    const first = cpuMilliseconds(instance.pid);
    record('first', first);
    await instance.ask(question.send);
    await setTimeout(SECOND_MS);
    record('later', cpuMilliseconds(instance.pid) - first);
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
