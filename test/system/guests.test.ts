// The test apps in QEMU guests of both ARM CPUs, as root and as an ordinary user. Part `system` of `npm test`.
import test from 'ava';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { root } from '../engine/support/paths.js';

const guestSeconds = 420;

interface Outcome {
  readonly lines: readonly string[];
  readonly status: number | null;
  readonly errors: string;
}

/** Boots a guest that has this checkout on /share, and runs the table there. */
function runTable(cpu: string, identity: string, user: string): Promise<Outcome> {
  const command = `rm -rf /tmp/apps && node /share/dist/test/system/guest.js /share/build/${cpu} /tmp/apps ${identity}`;
  const args = [
    'run',
    cpu,
    '--share',
    root,
    '--user',
    user,
    '--timeout',
    String(guestSeconds),
    '--',
    'sh',
    '-c',
    command,
  ];
  return new Promise((resolve) => {
    const child = spawn(join(root, 'cross', 'guest.sh'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    child.once('close', (status) => {
      resolve({
        lines: output.split(/\r?\n/).filter((line) => /^(ok|bad|skip) /.test(line)),
        status,
        errors,
      });
    });
  });
}

const title = (cpu: string, identity: string): string => `the test apps on ${cpu} as ${identity}`;

for (const cpu of ['aarch64', 'armv7'])
  for (const [identity, user] of [
    ['root', 'root'],
    ['user', 'kiosk'],
  ] as const)
    test(title(cpu, identity), async (t) => {
      const { lines, status, errors } = await runTable(cpu, identity, user);
      for (const line of lines) if (line.startsWith('skip')) t.log(line);
      t.is(status, 0, errors.slice(-2000));
      t.deepEqual(
        lines.filter((line) => line.startsWith('bad')),
        [],
      );
      t.true(lines.filter((line) => line.startsWith('ok')).length > 40, `${lines.length} apps`);
    });
