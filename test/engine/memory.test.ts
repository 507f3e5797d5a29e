// What the image holds is dropped and read again where memory is short, without a swap device, and shared by all instances.
import test from 'ava';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PATIENCE_MS } from '../patience.js';
import type { App } from './support/app.js';
import { expectSuccess } from './support/check.js';
import { limitMib, sizeMib, withinMemory, withLarge } from './support/large.js';
import { type Running, until } from './support/process.js';

const checked = (app: App, { pid }: Running): boolean => existsSync(join(app.scratch, `checked.${pid}`));

/** Proportional set size, in MiB. */
function pss(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1]) / 1024;
}

test(`an app of ${sizeMib} MiB works within ${limitMib} MiB, where a cold start is killed`, (t) =>
  withLarge(t, (app) => withinMemory(t, app)));

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
