// Warm when the app calls thaw_checkpoint() (native/include/thaw.h).
import * as v from 'valibot';

import { yes } from '../../definition/values.js';
import { listen } from './socket.js';
import { triggerKind } from './trigger.js';

export const call = triggerKind({
  value: v.pipe(yes, v.description('the app calls `thaw_checkpoint()` of `native/include/thaw.h`')),
  takesArguments: true,
  prepare: () => listen('THAW_SOCKET', 'THAW_CALL=0x'),
  async wait(_, { message }) {
    const address = /THAW_CALL=0x([0-9a-f]+)/.exec((await message) ?? '')?.[1];
    return address === undefined ? {} : { callAddress: address };
  },
});
