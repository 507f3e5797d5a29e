// A shell script that runs a pipeline of three programs: what goes through it, two at a time, and its end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

import { definitionPath } from '../../bench/paths.js';
import { warmCommand } from '../../bench/start.js';
import { Thaw } from '../../bench/thaw.js';
import { callerAccount } from '../../launcher/app/account.js';
import { minimalEnvironment } from '../../launcher/app/setting.js';
import { until } from '../engine/support/process.js';
import { allowLargePids, processesOf } from '../engine/support/tree.js';

const command = ['/bin/sh', 'prices.sh'];
const cwd = join(definitionPath('pipeline'), '..');
const env = minimalEnvironment(callerAccount());

interface Piped {
  readonly child: ChildProcess;
  said: string;
}

function start([program = '', ...args]: readonly string[]): Piped {
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] });
  const piped: Piped = { child, said: '' };
  child.stdout.on('data', (part: Buffer) => (piped.said += part.toString()));
  return piped;
}

if (process.getuid?.() === 0) {
  allowLargePids();
  const folder = mkdtempSync(join(tmpdir(), 'thaw-pipeline-'));
  const thaw = new Thaw(join(folder, 'store'));
  const warm = warmCommand(thaw.store, 'pipeline', command);

  test.serial.before('build pipeline', async (t) => {
    t.timeout(600_000);
    await thaw.build('pipeline');
  });

  test.after.always('remove the store', () => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const input of [
    'article-7\n  article-100 two\nnothing\n',
    '',
    'article-1\n'.repeat(2000),
    'article-3',
  ])
    test.serial(`pipeline: ${JSON.stringify(input.slice(0, 20))} gives what a cold one gives`, (t) => {
      const options = { cwd, env, input, encoding: 'utf8' } as const;
      const cold = spawnSync(command[0] ?? '', command.slice(1), options);
      const { status, stdout, stderr } = spawnSync(warm[0] ?? '', warm.slice(1), options);
      t.deepEqual([status, stdout], [cold.status, cold.stdout], stderr);
    });

  test.serial('pipeline: two instances, each with its own input, and SIGTERM', async (t) => {
    const cold = start(command);
    const instances = [start(warm), start(warm)];
    for (const [n, { child }] of [cold, ...instances].entries()) child.stdin?.write(`article-${n + 1}\n`);
    for (const [n, one] of [cold, ...instances].entries()) {
      const price = ((n + 1) * 7919) / 100;
      await until('the answer', () => one.said.length > 0);
      t.is(one.said, `article-${n + 1} ${price.toFixed(2)}\n`);
    }
    const ends: unknown[] = [];
    for (const { child } of [cold, ...instances]) {
      child.kill('SIGTERM');
      await once(child, 'exit');
      ends.push([child.exitCode, child.signalCode]);
      child.stdin?.end(); // Its three programs live on, as those of any shell that is killed, until their input ends.
    }
    t.deepEqual(ends, [ends[0], ends[0], ends[0]]);
    await until('all to end', () => processesOf('prices.awk').length === 0);
  });
} else
  test('pipeline: only root can build it, for its pids', (t) => {
    t.pass();
  });
