// Warm when the app calls thaw_checkpoint() (native/include/thaw.h).
import { listen } from './socket.js';
import type { Waiter } from './trigger.js';

export const call: Waiter<'call'> = {
  prepare: () => listen('THAW_SOCKET', 'THAW_CALL=0x'),
  async wait(_, { message }) {
    const address = /THAW_CALL=0x([0-9a-f]+)/.exec((await message) ?? '')?.[1];
    return address === undefined ? {} : { callAddress: address };
  },
};
