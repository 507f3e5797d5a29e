// Checkpoints process argv[2] to image argv[3] through the addon, once its input has a line or ends; argv[4] is where the app
// was started, which the CLI learns from a profile. As little as possible happens before and after: when this process is killed at a
// random moment, that is most likely one of the checkpoint itself.
import { createRequire } from 'node:module';

import { addon } from './paths.js';

interface Native {
  checkpoint(options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

const [, , pid, image, cwd = ''] = process.argv;
const native = createRequire(import.meta.url)(addon) as Native;
process.stdout.write('ready\n');
function begin(): void {
  process.stdout.write('now\n');
  native
    .checkpoint({
      pid: Number(pid),
      image,
      leaveRunning: true,
      policies: [],
      program: '',
      args: [],
      env: [],
      profile: '',
      inherit: [],
      cwd,
      anyFolder: true,
    })
    .then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
}

process.stdin.once('data', begin);
process.stdin.once('end', begin);
