// Warm when the app says READY=1 as to systemd (sd_notify(3)).
import { listen } from './socket.js';
import type { Waiter } from './trigger.js';

export const notify: Waiter<'notify'> = {
  prepare: () => listen('NOTIFY_SOCKET', 'READY=1'),
  async wait(_, { message }) {
    await message;
    return {};
  },
};
