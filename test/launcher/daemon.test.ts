// thawd: images that are out of date are built again when the device is idle, and launches are warm again.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { historyOf } from '../../launcher/store/history.js';
import { Store } from '../../launcher/store/store.js';
import { until } from '../engine/support/process.js';
import { Watched } from './daemon_support.js';
import { python } from './support.js';

test('a stale image is built again once the device is idle, and its app is warm again', async (t) => {
  const app = new Watched(t);
  t.deepEqual(app.launch(), { warm: true, level: 'one', stderr: '' });
  app.pressure('cpu', 80);
  app.battery('Discharging', 20);
  await app.start();
  const { image, stale } = await app.once('the first look', () => true);
  t.is(stale, null);

  app.set('two');
  const waiting = await app.once('the change to be seen', (row) => row.waits.length > 0);
  t.is(waiting.stale?.condition, 'input');
  t.regex(waiting.stale?.what ?? '', /config\.txt has changed/);
  t.deepEqual(
    waiting.waits.map(({ name }) => name),
    ['cpu-pressure', 'battery'],
  );
  t.is(waiting.waits[0]?.why, 'the pressure on the CPUs is 80 %, above 25 %');
  const cold = app.launch();
  t.deepEqual([cold.warm, cold.level], [false, 'two'], cold.stderr);
  app.pressure('cpu', 0);
  await app.once(
    'the battery alone to be in the way',
    ({ waits }) => waits.map(({ name }) => name).join() === 'battery',
  );
  t.is((await app.app()).image, image);

  app.battery('Charging', 20);
  const built = await app.once('the rebuild', (row) => row.counts.rebuilt === 1 && !row.building);
  t.not(built.image, image);
  t.is(built.stale, null);
  const warm = app.launch();
  t.deepEqual([warm.warm, warm.level], [true, 'two'], warm.stderr);
  t.regex(app.said, /app: launches want a new image: .*config\.txt has changed/);
  t.regex(app.said, /app: has a new image/);
  t.is(await app.stop(), 0);
});

test('what is changed back needs no new image; what a launch asks for is built', async (t) => {
  const app = new Watched(t);
  app.pressure('io', 90);
  await app.start();
  const { image } = await app.once('the first look', () => true);
  app.set('two');
  await app.once('the change to be seen', ({ stale }) => stale !== null);
  app.set('one');
  await app.once('the change back to be seen', ({ stale }) => stale === null);
  t.is((await app.app()).image, image);
  t.is((await app.app()).counts.rebuilt, 0);
  app.workshop.write('store/profiles/app/rebuild', 'the hostname has changed\n');
  const { stale } = await app.once('the request to be seen', (row) => row.stale !== null);
  t.deepEqual(stale, { condition: 'asked', what: 'the hostname has changed' });
  app.pressure('io', 0);
  const built = await app.once('the rebuild', (row) => row.counts.rebuilt === 1 && !row.building);
  t.is(built.stale, null);
});

test('a build that fails leaves the old image, is told, and the next one waits', async (t) => {
  const app = new Watched(t);
  await app.start('--retry', '30m');
  const { image } = await app.once('the first look', () => true);
  // The build that the test has made counts as well.
  app.set('bad');
  const late = await app.once('the wait', ({ waits }) => waits.length > 0);
  t.deepEqual(
    late.waits.map(({ name }) => name),
    ['attempts'],
  );
  await app.call('Rebuild', { name: 'app' });
  const failed = await app.once('the failure', ({ counts }) => counts.failed === 1);
  t.is(failed.image, image);
  t.is(failed.failures, 1);
  t.regex(failed.error ?? '', /the app ended \(.*3\)|there is no process/);
  t.regex(app.said, /app: the build failed, the image stays; once more after 20/);
  const { waits } = await app.once('the longer wait', (row) => /1 builds? ha/.test(row.waits[0]?.why ?? ''));
  const at = new Date(/until (\S+)/.exec(waits[0]?.why ?? '')?.[1] ?? '').getTime();
  const history = historyOf(new Store(app.workshop.store), 'app');
  t.deepEqual(
    history.map(({ kind }) => kind),
    ['build', 'failure'],
  );
  // Twice as long as after the first.
  t.is(at - (history[1]?.at ?? 0), 60 * 60_000);
  t.deepEqual(app.leftovers, []);

  app.set('two');
  await app.call('Rebuild', { name: 'app' });
  const built = await app.once('the rebuild', ({ counts, building }) => counts.rebuilt === 1 && !building);
  t.deepEqual([built.failures, built.error, built.stale], [0, null, null]);
  t.true(app.launch().warm);
});

test('an image that was set aside is built anew, and its record is gone', async (t) => {
  const app = new Watched(t, '[launch]\nguard = { within = "20s", tries = 1 }\n');
  const die = app.workshop.write('crash', '');
  t.is(app.launched().signal, 'SIGSEGV');
  rmSync(die);
  const deaths = join(app.folder, 'deaths');
  await until('the record of the death', () => readdirSync(deaths).length > 0);
  t.false(app.launch().warm);
  await until('the image to be set aside', () =>
    readFileSync(join(deaths, readdirSync(deaths)[0] ?? ''), 'utf8').includes('aside'),
  );
  await app.start();
  const built = await app.once('the rebuild', ({ counts, building }) => counts.rebuilt === 1 && !building);
  t.is(built.stale, null);
  t.regex(app.said, /set aside after 1 early deaths/);
  t.deepEqual(readdirSync(deaths), []);
  t.true(app.launch().warm);
});

test('launches are counted by what is seen of them', async (t) => {
  const app = new Watched(t);
  app.pressure('memory', 50);
  await app.start();
  await app.once('the first look', () => true);
  const warm = app.run();
  await app.once('a warm launch', ({ counts, running }) => counts.warm === 1 && running === 1);
  app.set('two');
  const cold = app.run();
  const { counts } = await app.once('a cold start', (row) => Object.keys(row.counts.cold).length > 0);
  t.deepEqual({ ...counts }, { warm: 1, cold: { input: 1 }, rebuilt: 0, failed: 0 });
  const ended = [once(warm, 'close'), once(cold, 'close')];
  app.workshop.write('go', '');
  await Promise.all(ended);
  await app.once('the instance to be gone', ({ running }) => running === 0);
});

test('the same words in another folder are another app', async (t) => {
  const app = new Watched(t);
  await app.start();
  await app.once('the first look', () => true);
  const elsewhere = `${app.machine}/elsewhere`;
  const stays = 'import time\ntime.sleep(600)\n';
  app.tells('elsewhere/app.py', stays);
  app.runs([python, 'app.py'], { cwd: elsewhere });
  app.runs([python, 'app.py']);
  const { counts } = await app.once('a cold start', (row) => Object.keys(row.counts.cold).length > 0);
  t.deepEqual({ ...counts.cold }, { caller: 1 });
  // By then, the other one has been looked at as often as anything is.
  app.run();
  const later = await app.once('a warm launch', (row) => row.counts.warm === 1);
  t.deepEqual({ ...later.counts.cold }, { caller: 1 });
});

test('a launch that is still looking at its image is not counted before it has decided', async (t) => {
  const app = new Watched(t);
  await app.start();
  const { image } = await app.once('the first look', () => true);
  // Stands in for thaw-exec on a slow machine: it has the image mapped for longer than a launch takes.
  const prefix = execFileSync(python, ['-c', 'import sys; print(sys.base_prefix)'], { encoding: 'utf8' });
  const slow = `${app.machine}/thaw-exec`;
  copyFileSync(realpathSync(python), slow);
  const holdsImage = `import mmap, os, time
file = open(${JSON.stringify(join(app.folder, `${image ?? ''}.thaw`))}, 'rb')
held = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)
time.sleep(3)
del os.environ['PYTHONHOME']
os.execv(${JSON.stringify(python)}, [${JSON.stringify(python)}, 'app.py'])`;
  app.runs([slow, '-c', holdsImage], { env: { PYTHONHOME: prefix.trim() } });
  const { counts } = await app.once(
    'the start',
    ({ counts: { warm, cold } }) => warm > 0 || 'caller' in cold,
  );
  t.deepEqual([counts.warm, { ...counts.cold }], [0, { caller: 1 }]);
});

// A device without a clock of its own gets its date when it has found a network, long after the daemon has started.
test('a clock that is set back changes nothing: launches are counted, and images are built', async (t) => {
  const app = new Watched(t);
  const back = `${app.machine}/back`;
  const preload = `import { existsSync } from 'node:fs';
const now = Date.now;
Date.now = () => now() - (existsSync(${JSON.stringify(back)}) ? 3_600_000 : 0);`;
  app.env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
  await app.start();
  await app.once('the first look', () => true);
  app.tells('back', '');
  app.run();
  await app.once('a warm launch', ({ counts, running }) => counts.warm === 1 && running === 1);
  app.pressure('memory', 50);
  app.set('two');
  app.run();
  await app.once('a cold start', ({ counts }) => counts.cold['input'] === 1);
  app.pressure('memory', 0);
  await app.once('the rebuild', ({ counts, building }) => counts.rebuilt === 1 && !building);
});
