// What holds a rebuild of thawd up: its limits, one by one, and the builds before.
import test from 'ava';

import { attemptsOf, failuresInRow, nextAttempt, writtenToday } from '../../launcher/daemon/attempts.js';
import { DEFAULT_LIMITS, type Demand, waits } from '../../launcher/daemon/limits.js';
import { type Readings, load, pressure } from '../../launcher/daemon/readings.js';
import { Watched } from './daemon_support.js';
import { Workshop } from './support.js';

const MB = 1_000_000;
const idle: Readings = {
  cpuPressure: 0,
  ioPressure: 0,
  memoryPressure: 0,
  load: 0.1,
  battery: undefined,
  memory: 1000 * MB,
};
const unknown = Object.fromEntries(Object.keys(idle).map((key) => [key, undefined])) as unknown as Readings;
const small: Demand = { images: 10 * MB, writes: 10 * MB, writtenToday: 0, free: 1000 * MB };

const rows: readonly (readonly [string, Partial<Readings>, Partial<Demand>])[] = [
  ['cpu-pressure', { cpuPressure: 25.01 }, {}],
  ['io-pressure', { ioPressure: 21 }, {}],
  ['memory-pressure', { memoryPressure: 6 }, {}],
  ['load', { load: 0.8 }, {}],
  ['battery', { battery: 59 }, {}],
  ['memory', { memory: 119 * MB }, {}],
  ['space', {}, { free: 109 * MB }],
  ['writes', {}, { writtenToday: 1991 * MB }],
];

for (const [name, readings, demand] of rows)
  test(`limit ${name}`, (t) => {
    const found = waits({ ...idle, ...readings }, DEFAULT_LIMITS, { ...small, ...demand });
    t.deepEqual(
      found.map((wait) => wait.name),
      [name],
    );
    t.not(found[0]?.why, '');
    const off = { ...DEFAULT_LIMITS, [name]: undefined };
    t.deepEqual(waits({ ...idle, ...readings }, off, { ...small, ...demand }), []);
  });

test('each limit has a row here; an idle machine, and one that tells nothing, hold nothing up', (t) => {
  t.deepEqual(Object.keys(DEFAULT_LIMITS).sort(), rows.map(([name]) => name).sort());
  t.deepEqual(waits(idle, DEFAULT_LIMITS, small), []);
  t.deepEqual(waits({ ...idle, battery: 60, cpuPressure: 25 }, DEFAULT_LIMITS, small), []);
  t.deepEqual(waits(unknown, DEFAULT_LIMITS, small), []);
});

test('what the kernel tells is read', (t) => {
  t.is(
    pressure('some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=3.00 avg60=0 avg300=0 total=1'),
    12.5,
  );
  t.is(pressure(undefined), undefined);
  t.is(load('3.00 1.00 0.50 2/345 678\n', '0-3,6,8\n'), 0.5);
  t.is(load('0.50 1.00 0.50 2/345 678\n', undefined), 0.5);
});

test('each further build within a day waits twice as long', (t) => {
  const now = 1_800_000_000_000;
  const minute = 60_000;
  const built = (minutesAgo: number, failed = false) => ({
    at: now - minutesAgo * minute,
    failed,
    wrote: 5,
    error: '',
  });
  const next = (...list: readonly ReturnType<typeof built>[]): number =>
    (nextAttempt(list, now, 10 * minute) - now) / minute;
  t.is(next(), 0);
  t.is(next(built(5)), 5);
  t.is(next(built(2000)), 0);
  t.is(next(built(60), built(5, true)), 15);
  t.is(next(built(60), built(30, true), built(5, true)), 35);
  t.is(next(...Array.from({ length: 12 }, () => built(5, true))), 24 * 60 - 5);
  // A clock that was set back.
  t.is(next(built(-300)), 0);
  t.is(writtenToday([built(2000), built(5), built(1)], now), 10);
  t.is(failuresInRow([built(3, true), built(2), built(1, true), built(0, true)]), 2);
  t.is(failuresInRow([built(3, true)]), 1);
  t.is(failuresInRow([]), 0);
});

test('what a build has written counts, which is more than its images take', (t) => {
  const build = { kind: 'build', at: 1, image: 'x', onDisk: 5, stored: 5, workingSet: 3 } as const;
  t.deepEqual(
    attemptsOf([build, { ...build, at: 2, wrote: 10 }]).map(({ wrote }) => wrote),
    [5, 10],
  );
  const memory = 121 * MB; // For two instances of the app, whatever is written.
  t.deepEqual(waits({ ...idle, memory }, DEFAULT_LIMITS, { ...small, writes: 100 * MB }), []);
});

test('a build whose app takes more memory than it may is given up', async (t) => {
  const app = new Watched(t);
  await app.start('--most-memory', '60');
  const { image } = await app.once('the first look', () => true);
  app.set('big');
  const failed = await app.once('the failure', ({ counts }) => counts.failed > 0);
  t.is(failed.image, image);
  t.regex(failed.error ?? '', /the build takes .* of memory, more than/);
});

test('writes of a day', async (t) => {
  const app = new Watched(t);
  await app.start('--limit', 'writes=1');
  app.set('two');
  const { waits: found } = await app.once('the wait', (row) => row.waits.length > 0);
  t.deepEqual(
    found.map(({ name }) => name),
    ['writes'],
  );
  t.true((await app.status()).writtenToday > MB);
  // A limit, but no ban.
  await app.call('Rebuild', { name: 'app' });
  await app.once('the rebuild', ({ counts }) => counts.rebuilt === 1);
});

test('a limit that there is not, and a time that is none, are told', (t) => {
  const workshop = new Workshop(t);
  const limit = workshop.thaw('daemon', '--socket', 'none', '--limit', 'heat=5');
  t.is(limit.status, 2);
  t.regex(limit.stderr, /there is no limit heat\n +accepted: cpu-pressure, io-pressure/);
  t.regex(workshop.thaw('daemon', '--limit', 'load=much').stderr, /--limit load: not a number: much/);
  t.regex(workshop.thaw('daemon', '--look', 'soon').stderr, /--look: not a time: soon/);
});
