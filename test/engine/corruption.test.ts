// Damaged images: the reader, under the address sanitizer, never crashes or hangs, and the app always starts.
import test from 'ava';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

import { withApp } from './support/check.js';
import { corrupt } from './support/corrupt.js';
import { self } from './support/identity.js';
import { imageCheck, workFolder } from './support/paths.js';
import { newSeed, Random } from './support/random.js';

const readerRuns = 2000;
const launcherRuns = 200;

/** Runs image-check; null when it ended as it should (0: accepted, 1: rejected), else what it said. */
function check(image: string, ignoreHash: boolean): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(imageCheck, [...(ignoreHash ? ['--any-hash'] : []), image], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 10_000,
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(code === 0 || code === 1 ? null : `${signal ?? `exit ${code}`}\n${said}`);
    });
  });
}

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
      const image = readFileSync(source.image);
      t.is(await check(source.image, false), null, 'the undamaged image');
      const random = new Random(newSeed());
      t.log(`THAW_TEST_SEED=${random.seed}`);
      const folder = mkdtempSync(join(workFolder('corruption'), 'i-'));
      const work = Array.from({ length: readerRuns / sources.length }, (_, i) => i);
      const worker = async (): Promise<void> => {
        for (let i = work.pop(); i !== undefined; i = work.pop()) {
          const damage = corrupt(image, random);
          const file = join(folder, `${i}.thaw`);
          writeFileSync(file, damage.bytes);
          // The hash finds nearly all damage; what stands behind it is looked at without it.
          const problem = await check(file, i % 8 !== 0);
          if (problem !== null) t.fail(`${damage.what}\n${problem}`);
          rmSync(file);
        }
      };
      await Promise.all(cpus().map(worker));
      rmSync(folder, { recursive: true });
      t.pass();
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
