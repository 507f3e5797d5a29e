import type { Measure } from '../measure.js';
import { droppedMeasure } from './dropped.js';
import { fallbackMeasure } from './fallback.js';
import { firstAnswerMeasure } from './first_answer.js';
import { firstSecondMeasure } from './first_second.js';
import { floorMeasure } from './floor.js';
import { imageSizeMeasure } from './image_size.js';
import { inputsMeasure } from './inputs.js';
import { instancesMeasure } from './instances.js';
import { sealedMeasure } from './sealed.js';
import { storageMeasure } from './storage.js';
import { treeMeasure } from './tree.js';
import { windowsMeasure } from './windows.js';

/** All that `npm run bench` measures, in the order in which it does. */
export const measures: readonly Measure[] = [
  firstAnswerMeasure,
  firstSecondMeasure,
  floorMeasure,
  fallbackMeasure,
  inputsMeasure,
  droppedMeasure,
  storageMeasure,
  sealedMeasure,
  imageSizeMeasure,
  treeMeasure,
  windowsMeasure,
  instancesMeasure,
];
