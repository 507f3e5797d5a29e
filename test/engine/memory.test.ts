// What the image holds is dropped and read again where memory is short, without a swap device, and shared by all instances.
import test, { type ExecutionContext } from 'ava';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PATIENCE_MS } from '../patience.js';
import type { App } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';
import { MemoryGroup } from './support/memory_group.js';
import { type Running, until } from './support/process.js';

const sizeMib = 192;
const limitMib = 48;
const row = { app: 'memory_large', args: [String(sizeMib)] };

const checked = (app: App, { pid }: Running): boolean => existsSync(join(app.scratch, `checked.${pid}`));

/** Proportional set size, in MiB. */
function pss(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1]) / 1024;
}

async function prepare(app: App): Promise<void> {
  await app.start();
  await app.checkpoint();
  rmSync(app.status, { force: true });
  app.release();
}

const withLarge = (t: ExecutionContext, work: (app: App) => Promise<void>): Promise<void> =>
  withApp(t, row, self, async (app) => {
    await prepare(app);
    await work(app);
  });

test(`an app of ${sizeMib} MiB works within ${limitMib} MiB, where a cold start is killed`, (t) =>
  withLarge(t, async (app) => {
    const group = MemoryGroup.create('pressure', limitMib << 20);
    if (group === undefined) {
      t.log('no cgroup with a memory limit can be made here');
      t.pass();
      return;
    }
    try {
      writeFileSync(join(app.scratch, 'done'), '');
      const cold = await app.runAs([...group.wrapper, ...app.command], { timeout: PATIENCE_MS });
      t.is(cold.signal, 'SIGKILL', `all of it in memory: exit ${cold.code}\n${cold.stderr}`);
      const warm = app.launch({ wrapper: group.wrapper, timeout: PATIENCE_MS });
      expectSuccess(t, 'launched', await warm.outcome);
    } finally {
      await group.remove();
    }
  }));

test('instances share what they only read', (t) =>
  withLarge(t, async (app) => {
    const count = 6;
    const instances = Array.from({ length: count }, () => app.launch({ timeout: PATIENCE_MS }));
    for (const one of instances)
      await until('the instance to have read all', () => checked(app, one) || one.ended);
    const sum = instances.map(({ pid }) => pss(pid)).reduce((a, b) => a + b);
    t.true(sum > sizeMib * 0.9 && sum < sizeMib * 1.1, `${count} instances take ${sum} MiB`);
    writeFileSync(join(app.scratch, 'done'), '');
    for (const one of instances) expectSuccess(t, 'instance', await one.outcome);
  }));
