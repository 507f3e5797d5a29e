// Erlang/OTP: a VM with its helper processes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import test from 'ava';

import type { Instance } from '../../bench/instance.js';
import { coldStart, warmStart } from '../../bench/start.js';
import { type Subject, checkOwnState, get, json } from '../../bench/subjects.js';
import { Thaw } from '../../bench/thaw.js';
import { until } from '../engine/support/process.js';
import { allowLargePids } from '../engine/support/tree.js';
import { proveProfile } from './prove.js';

const erlang: Subject = {
  profile: 'erlang',
  port: 8212,
  first: (n) => ({ send: get(`/square?n=${n}`), expect: `{"square": ${n * n}}` }),
  check: checkErlang,
};

async function checkErlang(instance: Instance, n: number): Promise<void> {
  const said = json(await instance.ask(get(`/shell?word=word-${n}`)));
  assert.equal(said['said'], `word-${n}`, 'a program that the VM has started');
  const resolved = json(await instance.ask(get('/resolve?name=localhost')));
  assert.equal(resolved['address'], '127.0.0.1');
  const { seconds } = json(await instance.ask(get('/instance')));
  assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) <= 2, `its time is ${String(seconds)}`);
  await checkOwnState(instance, n);
}

if (process.getuid?.() === 0) {
  allowLargePids();
  proveProfile(erlang);

  test.serial('erlang: SIGTERM ends it and its helpers as a cold one', async (t) => {
    t.timeout(600_000);
    const folder = mkdtempSync(join(tmpdir(), 'thaw-erlang-end-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const thaw = new Thaw(join(folder, 'store'));
    await thaw.build('erlang');
    const endings: unknown[] = [];
    const cold = coldStart(erlang, '');
    for (const start of [cold, warmStart(erlang, thaw.store, '')]) {
      const { command, cwd, env } = start;
      const running = spawn('unshare', ['-n', ...command], { cwd, env, stdio: 'ignore' });
      await until('its helpers', () => familyOf(running).length === 4);
      const family = familyOf(running);
      const exit = once(running, 'exit');
      running.kill('SIGTERM');
      // A VM that starts drops signals until its own process for them has begun.
      const again = setInterval(() => start === cold && running.kill('SIGTERM'), 2000);
      await exit;
      clearInterval(again);
      endings.push([running.exitCode, running.signalCode]);
      await until('its helpers to end', () => family.every((pid) => !isThere(pid)));
    }
    t.deepEqual(endings[1], endings[0]);
  });
} else
  test('erlang: only root can build it, for its pids', (t) => {
    t.pass();
  });

/** It and all that descend from it. */
function familyOf({ pid }: ChildProcess): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const family = pid === undefined ? [] : [pid];
  for (const parent of family) for (const [child = 0, its] of pairs) if (its === parent) family.push(child);
  return family;
}

function isThere(pid: number): boolean {
  return spawnSync('ps', ['-p', String(pid), '-o', 'stat='], { encoding: 'utf8' }).stdout.trim() !== '';
}
