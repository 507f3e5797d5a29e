// Damaged images: the reader, under the address sanitizer, never crashes or hangs, and the app always starts.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withApp } from './support/check.js';
import { corrupt, sections } from './support/corrupt.js';
import { read, readDamaged } from './support/damaged.js';
import { self } from './support/identity.js';
import { imageCheck } from './support/paths.js';
import { newSeed, Random } from './support/random.js';
import { allowLargePids } from './support/tree.js';

allowLargePids();

const readerRuns = 2250;
const launcherRuns = 200;

/** An image of an app with threads, timers, epoll and sockets would be best; each app has but one of these. */
const sources = [
  'threads',
  'timers',
  'fd_epoll',
  'fd_socketpair',
  'fd_rights',
  'fd_tcp',
  'memory_file',
  'signals',
  'fd_inotify',
  'tree_groups',
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

/** Fields of model::OpenFile, and the place of its table. */
const openFiles = { section: 11, kind: 0, action: 28 };

test('descriptors of a kind and with an action that thaw does not know', (t) =>
  withApp(t, { app: 'fd_eventfd' }, self, async (source) => {
    await source.start();
    await source.checkpoint();
    const image = readFileSync(source.image);
    const first = sections(image)[openFiles.section]?.start ?? 0;
    for (const [field, value, says] of [
      [openFiles.kind, 0, /a descriptor of kind 0, which this thaw does not know; build the image again/],
      [openFiles.kind, 200, /a descriptor of kind 200, which this thaw does not know/],
      [openFiles.action, 2, /eventfd is broken: its action is impossible/],
      [openFiles.action, 77, /eventfd is broken: its action is impossible/],
    ] as const) {
      const changed = Buffer.from(image);
      changed.writeUInt32LE(value, first + field);
      const file = join(source.folder, 'changed.thaw');
      writeFileSync(file, changed);
      const { status, stderr } = spawnSync(imageCheck, ['--any-hash', file], { encoding: 'utf8' });
      t.is(status, 1);
      t.regex(stderr, says);
    }
  }));

/** Fields of model::Process, and the place of its table. */
const processes = {
  section: 1,
  parent: 0,
  session: 4,
  group: 8,
  controlling: 12,
  foreground: 16,
  state: 20,
  status: 24,
  signal: 28,
  program: 60,
  threads: 64,
};
const none = 0xffffffff;

test('processes that cannot be what they are to each other', (t) =>
  withApp(t, { app: 'tree_zombies' }, self, async (source) => {
    await source.start();
    await source.checkpoint();
    const image = readFileSync(source.image);
    const table = sections(image)[processes.section];
    const { state } = processes;
    const count = 6;
    const size = (table?.size ?? 0) / count;
    const at = (index: number, field: number): number => (table?.start ?? 0) + index * size + field;
    const zombie = Array.from({ length: count }, (_, i) => i).find(
      (i) => image.readUInt32LE(at(i, state)) === 2,
    );
    if (zombie === undefined) {
      t.fail('no process has ended');
      return;
    }
    const last = count - 1;
    for (const [index, field, value, says] of [
      [0, processes.parent, 0, /impossible parent/],
      [0, processes.parent, 1, /impossible parent/],
      [1, processes.parent, none, /impossible parent/],
      [1, processes.parent, 1, /impossible parent/],
      [1, processes.parent, 2, /impossible parent/],
      [last, processes.parent, 99, /impossible parent/],
      [0, processes.session, 0, /impossible session or group/],
      [0, processes.group, 1, /impossible session or group/],
      [1, processes.session, 2, /impossible session or group/],
      [1, processes.session, 1, /impossible session or group/],
      [1, processes.session, 77, /impossible session or group/],
      [last, processes.group, 77, /impossible session or group/],
      [0, processes.controlling, 0, /impossible terminal/],
      [0, processes.foreground, 77, /impossible terminal/],
      [1, processes.controlling, 0, /impossible terminal/],
      [1, processes.foreground, 1, /impossible terminal/],
      [0, state, 1, /does not run/],
      [1, state, 3, /unknown state/],
      [zombie, processes.status, 0x8b, /has ended impossibly/],
      [zombie, processes.status, 0x100ff, /has ended impossibly/],
      [zombie, processes.status, 17, /has ended impossibly/],
      [zombie, state, 0, /./],
      [1, processes.signal, 65, /unknown signal/],
      [1, processes.program, 9999, /no program/],
      [1, processes.threads, 0, /do not follow each other/],
      [1, processes.threads + 4, 0, /do not follow each other/],
      [last, processes.threads + 4, 2, /(not empty|of no process|do not exist)/],
    ] as const) {
      const changed = Buffer.from(image);
      changed.writeUInt32LE(value, at(index, field));
      const file = join(source.folder, 'changed.thaw');
      writeFileSync(file, changed);
      const { status, stderr } = spawnSync(imageCheck, ['--any-hash', file], { encoding: 'utf8' });
      t.is(status, 1, `${index}, ${field}: ${value}`);
      t.regex(stderr, says, `${index}, ${field}: ${value}`);
    }
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
