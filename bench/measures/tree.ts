import type { Measure } from '../measure.js';
import { measureSizes } from '../sized_app.js';

const NAME = 'tree';
const PROCESSES = [1, 2, 4, 8, 16];
const QUICK_PROCESSES = [1, 8];

/** A small server with more and more processes, all of which have a part in its first answer. */
export const treeMeasure: Measure = {
  name: NAME,
  ownApps: true,
  summary: `resume, its phases and the first answer of an app of ${PROCESSES.join(', ')} small processes`,
  run: (bench) =>
    measureSizes(
      bench,
      { measure: NAME, program: 'workers', port: 8216, unit: 'processes' },
      bench.quick ? QUICK_PROCESSES : PROCESSES,
    ),
};
