// thaw top: which instances run, and what of their memory is their own.
import { spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';

import { memoryIn } from '../../launcher/instances/memory.js';
import { thawExec } from '../engine/support/paths.js';
import { Workshop, builtWith, python } from './support.js';

test('memory as the kernel tells it', (t) => {
  const text =
    '55 ---p 0 [rollup]\nRss:  100 kB\nPss:   40 kB\nPss_Dirty:  7 kB\nShared_Clean:  50 kB\nShared_Dirty:  10 kB\nPrivate_Clean:  15 kB\nPrivate_Dirty:  25 kB\nSwap:  3 kB\nSwapPss:  9 kB\n';
  const kB = 1024;
  t.deepEqual(memoryIn(text), {
    ...{ resident: 100 * kB, proportional: 40 * kB, own: 40 * kB, shared: 60 * kB, swapped: 3 * kB },
  });
});

test('two instances share what is in the image', async (t) => {
  const workshop = new Workshop(t);
  const data = 'data = [bytes([i % 251]) * 4000 for i in range(4000)]';
  const built = workshop.thaw(
    'build',
    workshop.profile('app', 'until = { log = "warm$" }\nsettle = "100ms"', data),
  );
  t.is(built.status, 0, built.stderr);
  t.is(workshop.thaw('top').stdout, 'no instance runs\n');

  const apps = [0, 1].map(() =>
    spawn(thawExec, ['--store', workshop.store, '--no-fallback', '--', python, 'app.py'], {
      cwd: workshop.folder,
      env: builtWith,
      stdio: 'ignore',
    }),
  );
  t.teardown(() => {
    for (const app of apps) app.kill('SIGKILL');
  });
  const shows = (pid: number | undefined): boolean =>
    readFileSync(`/proc/${pid ?? 0}/maps`, 'utf8').includes('.thaw');
  while (!apps.every(({ pid }) => shows(pid))) await setTimeout(20);
  await setTimeout(300);

  const told = JSON.parse(workshop.thaw('top', '--json', 'app').stdout) as {
    pid: number;
    profile: string;
    old: boolean;
    memory: { resident: number; own: number; shared: number; proportional: number };
  }[];
  t.deepEqual(told.map(({ pid }) => pid).sort(), apps.map(({ pid }) => pid ?? 0).sort());
  for (const { memory, profile, old } of told) {
    t.is(profile, 'app');
    t.false(old);
    t.true(memory.shared > 0 && memory.own > 0);
    t.is(memory.resident, memory.own + memory.shared);
    t.true(memory.proportional < memory.resident);
  }
  const { stdout } = workshop.thaw('top');
  t.regex(stdout, /^ *PID +PROFILE +AGE +RESIDENT +OWN +SHARED +PSS +SWAPPED +COMMAND\n/);
  t.regex(stdout, /\n +2 in all /);
  // A copy of the store, as a sealed one is, has the same images.
  cpSync(workshop.store, join(workshop.folder, 'copy'), { recursive: true, verbatimSymlinks: true });
  const both = workshop.thaw('top', '--store', join(workshop.folder, 'copy'));
  t.regex(both.stdout, /\n +2 in all /, both.stderr);
  t.regex(workshop.thaw('top', 'none').stderr, /there is no profile none/);
});
