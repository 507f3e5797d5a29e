// Warm after some time.
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { duration } from '../../definition/values.js';
import { triggerKind } from './trigger.js';

export const delay = triggerKind({
  value: v.pipe(duration, v.description('this time has passed since the app was started')),
  async wait(ms, { signal }) {
    await setTimeout(ms, undefined, { signal });
    return {};
  },
});
