// Warm when the app calls thaw_checkpoint() (native/include/thaw.h).
import * as v from 'valibot';

import { listen } from './socket.js';
import { triggerKind } from './trigger.js';

export const call = triggerKind({
  schema: v.pipe(
    v.strictObject({ call: v.literal(true, 'true') }),
    v.description('The app calls thaw_checkpoint() of native/include/thaw.h.'),
    v.transform(() => ({ kind: 'call' as const })),
  ),
  takesArguments: true,
  prepare: () => listen('THAW_SOCKET', 'THAW_CALL=0x'),
  async wait(_, { message }) {
    const address = /THAW_CALL=0x([0-9a-f]+)/.exec((await message) ?? '')?.[1];
    return address === undefined ? {} : { callAddress: address };
  },
});
