// Damaged images: the reader, under the address sanitizer, never crashes or hangs, and the app always starts.
import test from 'ava';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withApp } from './support/check.js';
import { corrupt } from './support/corrupt.js';
import { read, readDamaged } from './support/damaged.js';
import { self } from './support/identity.js';
import { imageCheck } from './support/paths.js';
import { newSeed, Random } from './support/random.js';

const readerRuns = 2000;
const launcherRuns = 200;

/** An image of an app with threads, timers, epoll and sockets would be best; each app has but one of these. */
const sources = [
  'threads',
  'timers',
  'fd_epoll',
  'fd_socketpair',
  'fd_tcp',
  'memory_file',
  'signals',
  'fd_inotify',
] as const;

for (const app of sources)
  test(`${readerRuns / sources.length} damaged images of ${app} under the address sanitizer`, (t) =>
    withApp(t, { app }, self, async (source) => {
      if (!existsSync(imageCheck)) {
        t.fail(`${imageCheck} is not built`);
        return;
      }
      await source.start();
      await source.checkpoint();
      t.is(await read([imageCheck], [source.image]), null, 'the undamaged image');
      const random = new Random(newSeed());
      t.log(`THAW_TEST_SEED=${random.seed}`);
      const damaged = { count: readerRuns / sources.length, folder: source.folder };
      t.deepEqual(await readDamaged([imageCheck], readFileSync(source.image), random, damaged), []);
    }));

test(`${launcherRuns} launches from damaged images`, (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    await app.start();
    await app.checkpoint();
    app.release(['exit 9']);
    const image = readFileSync(app.image);
    const random = new Random(newSeed());
    t.log(`THAW_TEST_SEED=${random.seed}`);
    for (let i = 0; i < launcherRuns; i++) {
      const damage = corrupt(image, random);
      const file = join(app.folder, `damaged-${i}.thaw`);
      writeFileSync(file, damage.bytes, { mode: 0o444 });
      const outcome = await app.launch({ flags: [] }, file).outcome;
      t.is(outcome.code, 9, `${damage.what}: ${outcome.signal ?? ''}\n${outcome.stderr}`);
      rmSync(file);
    }
  }));
