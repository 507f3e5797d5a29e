import type { Measure } from '../measure.js';
import { fallbackMeasure } from './fallback.js';
import { firstAnswerMeasure } from './first_answer.js';
import { floorMeasure } from './floor.js';

/** All that `npm run bench` measures, in the order in which it does. */
export const measures: readonly Measure[] = [firstAnswerMeasure, floorMeasure, fallbackMeasure];
