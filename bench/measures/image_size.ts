import { statfsSync } from 'node:fs';
import { freemem } from 'node:os';

import type { Bench, Measure } from '../measure.js';
import { measureSizes } from '../sized_app.js';

const NAME = 'image-size';
const SIZES_MB = [10, 100, 500, 1000, 2000, 4000];
const QUICK_SIZES_MB = [100, 2000];

/** The same program with heaps of many sizes: what a launch costs must not depend on it. */
export const imageSizeMeasure: Measure = {
  name: NAME,
  ownApps: true,
  summary: `resume, its phases and the first answer of images of ${SIZES_MB.join(', ')} MB with the same mappings`,
  run: (bench) => {
    const sizes = (bench.quick ? QUICK_SIZES_MB : SIZES_MB).filter((size) => fits(bench, size));
    return measureSizes(bench, { measure: NAME, program: 'heap', port: 8210, unit: 'MB' }, sizes);
  },
};

/** The app in memory, its image on disk and in the page cache, all at the same time. */
function fits({ recorder, work }: Bench, size: number): boolean {
  const bytes = size * 1e6;
  const { bavail, bsize } = statfsSync(work);
  const why =
    bavail * bsize < 4 * bytes
      ? 'not enough room on disk'
      : freemem() < 2.5 * bytes
        ? 'not enough memory'
        : undefined;
  if (why !== undefined) recorder.leaveOut(`an image of ${size} MB`, why);
  return why === undefined;
}
