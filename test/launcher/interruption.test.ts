// A signal during long work: the work ends with its clean-up, and the exit code tells of the signal.
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';

const launcher = join(projectFolder, 'dist/launcher');

/** Long work that waits for another program, as that of a build for a device does. */
const program = `
  import { interruptibly } from '${launcher}/interruption.js';
  import { runTool } from '${launcher}/firmware/process.js';
  process.exitCode = await interruptibly(async (signal) => {
    try {
      const tool = runTool('sleep', ['1']);
      console.log('working');
      await tool;
      signal.throwIfAborted();
    } finally {
      console.log('cleaned up');
    }
    return 0;
  });
`;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`${signal} while a tool runs`, async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output === 'working\n') child.kill(signal);
    });
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    const [exit] = (await once(child, 'close')) as [number | null];
    t.is(output, 'working\ncleaned up\n');
    t.is(exit, code);
    t.regex(errors, new RegExp(`interrupted by ${signal}`));
  });
