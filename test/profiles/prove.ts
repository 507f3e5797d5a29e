import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Instance } from '../../bench/instance.js';
import { withEnv } from '../../bench/launch.js';
import { warmStart } from '../../bench/start.js';
import { type Subject, subject } from '../../bench/subjects.js';
import { Thaw } from '../../bench/thaw.js';

const inARow = 20;
const notFed = 3;
const atOnce = 10;

/** Declares the tests of one profile: its image is built, launched many times in a row, then many times at once. */
export function proveProfile(of: string | Subject): void {
  const proved = typeof of === 'string' ? subject(of) : of;
  const { profile } = proved;
  const folder = mkdtempSync(join(tmpdir(), `thaw-${profile}-`));
  const thaw = new Thaw(join(folder, 'store'));
  const launch = (n: number, env: Readonly<Record<string, string>> = {}) =>
    Instance.start(withEnv(warmStart(proved, thaw.store, join(folder, `${n}.log`)), env), proved.first(n));

  test.serial.before(`build ${profile}`, async (t) => {
    t.timeout(600_000);
    await thaw.build(profile);
  });

  test.after.always('remove the store', () => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.serial(`${profile}: ${inARow} launches in a row answer rightly`, async (t) => {
    t.timeout(600_000);
    for (let n = 1; n <= inARow; n++) {
      const instance = await launch(n);
      try {
        await t.notThrowsAsync(proved.check(instance, n), `launch ${n}`);
      } finally {
        await instance.end();
      }
    }
  });

  test.serial(`${profile}: launches without the working set answer rightly`, async (t) => {
    t.timeout(600_000);
    for (let n = 1; n <= notFed; n++) {
      const instance = await launch(n, { THAW_FEED: 'off' });
      try {
        await t.notThrowsAsync(proved.check(instance, n), `launch ${n}`);
      } finally {
        await instance.end();
      }
    }
  });

  test.serial(`${profile}: ${atOnce} instances at once answer rightly, each for itself`, async (t) => {
    t.timeout(600_000);
    const started = await Promise.allSettled(Array.from({ length: atOnce }, (_, i) => launch(i + 1)));
    const instances = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    try {
      for (const one of started) if (one.status === 'rejected') t.fail(String(one.reason));
      t.is(new Set(instances.map((one) => one.pid)).size, atOnce);
      await Promise.all(
        instances.map((one, i) => t.notThrowsAsync(proved.check(one, i + 1), `instance ${i + 1}`)),
      );
    } finally {
      await Promise.all(instances.map((one) => one.end()));
    }
  });
}
