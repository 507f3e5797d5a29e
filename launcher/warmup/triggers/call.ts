// Warm when the app calls thaw_checkpoint() (native/include/thaw.h).
import * as v from 'valibot';

import { yes } from '../../definition/values.js';
import { ThawError } from '../../errors.js';
import { listen } from './socket.js';
import { triggerKind } from './trigger.js';

export const call = triggerKind({
  value: v.pipe(yes, v.description('the app calls `thaw_checkpoint()` of `native/include/thaw.h`')),
  takesArguments: true,
  prepare: () => listen('THAW_SOCKET', 'THAW_CALL=0x'),
  async wait(_, { message }) {
    const address = /THAW_CALL=0x([0-9a-f]+)/.exec((await message) ?? '')?.[1];
    if (address === '0')
      throw new ThawError("one of the app's hooks failed before the checkpoint", {
        remedy: 'see the before_checkpoint functions that the app registers (thaw.h)',
      });
    return address === undefined ? {} : { callAddress: address };
  },
});
