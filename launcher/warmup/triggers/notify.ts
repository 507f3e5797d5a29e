// Warm when the app says READY=1 as to systemd (sd_notify(3)).
import * as v from 'valibot';

import { yes } from '../../definition/values.js';
import { listen } from './socket.js';
import { triggerKind } from './trigger.js';

export const notify = triggerKind({
  value: v.pipe(yes, v.description('the app says `READY=1` on `$NOTIFY_SOCKET`, as services tell systemd')),
  prepare: () => listen('NOTIFY_SOCKET', 'READY=1'),
  async wait(_, { message }) {
    await message;
    return {};
  },
});
