// Warm when somebody listens on a TCP port of this machine.
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

import type { Waiter } from './trigger.js';

const pauseMs = 5;

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}

export const port: Waiter<'port'> = {
  async wait({ port: number }, { signal }) {
    while (!(await answers('127.0.0.1', number)) && !(await answers('::1', number)))
      await setTimeout(pauseMs, undefined, { signal });
    return {};
  },
};
