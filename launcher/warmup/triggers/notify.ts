// Warm when the app says READY=1 as to systemd (sd_notify(3)).
import * as v from 'valibot';

import { listen } from './socket.js';
import { triggerKind } from './trigger.js';

export const notify = triggerKind({
  schema: v.pipe(
    v.strictObject({ notify: v.literal(true, 'true') }),
    v.description('The app says READY=1 on $NOTIFY_SOCKET, as services tell systemd.'),
    v.transform(() => ({ kind: 'notify' as const })),
  ),
  prepare: () => listen('NOTIFY_SOCKET', 'READY=1'),
  async wait(_, { message }) {
    await message;
    return {};
  },
});
