// A unix datagram socket that the app finds by an environment variable.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { native } from '../../engine/index.js';
import type { Prepared } from './trigger.js';

/** Listens in a folder of its own: socket paths are short, and the app may be another user. */
export function listen(variable: string, text: string): Prepared {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-'));
  chmodSync(folder, 0o755);
  const path = join(folder, 'socket');
  const message = native.receiveDatagram(path, text);
  message.catch(() => undefined); // Nobody may be waiting when it is closed.
  return {
    env: { [variable]: path },
    message,
    close: () => {
      rmSync(folder, { recursive: true, force: true }); // Ends the wait.
    },
  };
}
