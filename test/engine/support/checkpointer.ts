// A process to be killed: waits for a line, says "now", and checkpoints argv[2] to argv[3] through the addon. As little as possible
// happens before and after, so that a random moment is most likely one of the checkpoint itself.
import { createRequire } from 'node:module';

import { addon } from './paths.js';

interface Native {
  checkpoint(options: Readonly<Record<string, unknown>>): Promise<string>;
}

const [, , pid, image] = process.argv;
const native = createRequire(import.meta.url)(addon) as Native;
process.stdout.write('ready\n');
process.stdin.once('data', () => {
  process.stdout.write('now\n');
  native
    .checkpoint({ pid: Number(pid), image, leaveRunning: true, policies: [], program: '', args: [], env: [], profile: '', inherit: [] })
    .then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
});
