// Apps that keep pids where nothing can correct them, through thaw build: `launch.pids = "namespace"`.
import test, { type ExecutionContext } from 'ava';
import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

import { processesOf } from '../engine/support/tree.js';
import { endService, launchService, writeService } from './service.js';
import { Workshop, python } from './support.js';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** As gunicorn's master: a dictionary with the workers' pids as keys. Each draws random numbers. */
const MASTER = `
import os, signal, ssl
ssl.RAND_bytes(8)
title = f'master {os.getpid()}'
workers = {}
def work(number):
    mine, parent, ends = hash((os.getpid(), 1)), f'{os.getppid()}', []
    ssl.RAND_bytes(8)
    signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
    os.write(1, b'up\\n')
    while not ends: signal.pause()
    fit = mine == hash((os.getpid(), 1)) and parent == f'{os.getppid()}'
    os.write(1, f'worker {number} {fit}\\ndrawn {ssl.RAND_bytes(8).hex()}\\n'.encode())
    os._exit(number)
for number in range(4):
    pid = os.fork()
    if pid == 0: work(number)
    workers[pid] = number
def end(signal_number, frame):
    for pid in workers: os.kill(pid, signal.SIGTERM)
    for _ in range(4):
        pid, status = os.waitpid(-1, 0)
        if os.waitstatus_to_exitcode(status) != workers.pop(pid): os._exit(1)
    print(title == f'master {os.getpid()}', os.readlink('/proc/self') == str(os.getpid()), flush=True)
    print('drawn', ssl.RAND_bytes(8).hex(), flush=True)
    os._exit(23)
signal.signal(signal.SIGTERM, end)
open('master.pid', 'w').write(str(os.getpid()))
print('ready', flush=True)
while True: signal.pause()
`;

function build(t: ExecutionContext, workshop: Workshop, more: string): string {
  const script = workshop.write('master.py', MASTER);
  const profile = writeService(workshop, { name: 'master', program: python, args: [script], more });
  const built = workshop.thaw('build', profile);
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /nobody watches launches that make a pid namespace/);
  t.regex(built.stderr, /master\.pid holds the pid \d+, which is a number of the pid namespace/);
  return script;
}

function launch(workshop: Workshop, script: string): ChildProcess {
  return launchService(workshop, python, [script], { THAW_LOG: 'warn' });
}

async function ended(running: ChildProcess): Promise<string[]> {
  return (await endService(running)).stdout.trim().split('\n');
}

/** Until it runs: its first process and four workers, beside what stands for it. */
async function running(t: ExecutionContext, workshop: Workshop, count: number): Promise<void> {
  for (let i = 0; i < 500 && processesOf(workshop.folder).length !== count; i++) await setTimeout(20);
  t.is(processesOf(workshop.folder).length, count, processesOf(workshop.folder).join('\n'));
}

asRoot('a dictionary of workers by pid: two instances side by side', async (t) => {
  const workshop = new Workshop(t);
  const script = build(t, workshop, '[launch]\npids = "namespace"');
  t.regex(workshop.thaw('show', 'master').stdout, /^pids +kept, in a pid namespace/m);
  t.is(workshop.thaw('verify', 'master').status, 0);
  const instances = [launch(workshop, script), launch(workshop, script)];
  await setTimeout(500);
  const outputs = await Promise.all(instances.map(ended));
  t.deepEqual(
    instances.map(({ exitCode }) => exitCode),
    [23, 23],
  );
  const drawn = outputs.flat().filter((line) => line.startsWith('drawn'));
  t.is(drawn.length, 10);
  t.is(new Set(drawn).size, 10, drawn.join('\n'));
  for (const lines of outputs) {
    t.true(lines.includes('True True'), lines.join('\n'));
    for (let i = 0; i < 4; i++) t.true(lines.includes(`worker ${i} True`), lines.join('\n'));
  }
  await running(t, workshop, 0);
});
