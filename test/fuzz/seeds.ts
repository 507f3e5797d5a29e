// Makes the seeds of the fuzz target: images of test apps without their page data. Arguments: the folder for them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ReadOnlyRoot } from '../../bench/read_only_root.js';
import { Thaw } from '../../bench/thaw.js';
import { native } from '../../launcher/engine/index.js';
import { App } from '../engine/support/app.js';
import { self } from '../engine/support/identity.js';

/** Between them, they fill every table of an image, and every kind of descriptor has its record. */
const APPS = [
  'threads',
  'seccomp',
  'timers',
  'signals',
  'lock_owner',
  'memory_file',
  'memory_shared',
  'fd_epoll',
  'fd_eventfd',
  'fd_file',
  'fd_inotify',
  'fd_memfd',
  'fd_packet',
  'fd_signalfd',
  'fd_socketpair',
  'fd_tcp',
  'fd_timerfd',
  'fd_udp',
  'fd_unix',
  'tree_groups',
  'tree_zombies',
] as const;
/** The checksum is put right, and the image is signed: see Mode in fuzz_image.cc. */
const MODES = 3;

/** A mode, the header and the metadata. */
function seed(image: string): Buffer {
  const bytes = readFileSync(image);
  const { size, metadataOffset } = native.show(image).header;
  return Buffer.concat([Buffer.from([MODES]), bytes.subarray(0, size), bytes.subarray(metadataOffset)]);
}

/** An image with inputs, of which a root identity stands for some. @throws Error where no file system can be mounted */
async function buildWithInputs(work: string): Promise<string> {
  const [tree, mounted] = [join(work, 'tree'), join(work, 'root')];
  mkdirSync(tree);
  for (const name of ['id', 'one', 'two']) writeFileSync(join(tree, name), `${name}\n`);
  const root = await ReadOnlyRoot.of(tree, mounted, work);
  try {
    const inputs = `{ add = ["${mounted}/*"], root_identity = "${mounted}/id" }`;
    const warmup = '[warmup]\nuntil = { delay = "100ms" }\n[prove]\nrun = []\n';
    const definition = join(work, 'inputs.toml');
    writeFileSync(
      definition,
      `name = "inputs"\nprogram = "/bin/sleep"\nargs = ["2"]\ninputs = ${inputs}\n${warmup}`,
    );
    const thaw = new Thaw(join(work, 'store'), undefined, root);
    await thaw.buildFrom(definition);
    return thaw.image('inputs');
  } finally {
    root.end();
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: seeds.js FOLDER');
mkdirSync(folder, { recursive: true });
for (const name of APPS) {
  const app = new App(name, self);
  try {
    await app.start();
    await app.checkpoint();
    writeFileSync(join(folder, name), seed(app.image));
  } catch (error) {
    process.stderr.write(`no seed of ${name}: ${String(error)}\n`);
  } finally {
    await app.end();
  }
}

const work = mkdtempSync(join(tmpdir(), 'thaw-fuzz-'));
try {
  writeFileSync(join(folder, 'inputs'), seed(await buildWithInputs(work)));
} catch (error) {
  process.stderr.write(`no seed with inputs: ${String(error)}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
