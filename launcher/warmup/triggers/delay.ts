// Warm after some time.
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { duration } from '../../definition/duration.js';
import { triggerKind } from './trigger.js';

export const delay = triggerKind({
  schema: v.pipe(
    v.strictObject({ delay: duration }),
    v.description('This time has passed since the app was started.'),
    v.transform(({ delay }) => ({ kind: 'delay' as const, ms: delay })),
  ),
  async wait({ ms }, { signal }) {
    await setTimeout(ms, undefined, { signal });
    return {};
  },
});
