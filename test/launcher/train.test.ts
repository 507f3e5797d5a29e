// Training and feeding: the working set is recorded at build time, and with it or without it an app comes back the same.
import test, { type ExecutionContext } from 'ava';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { ImagePages } from '../engine/support/image_pages.js';
import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

const pageSize = 4096;
const pages = 512;
/** In a launch, and only there, the app does `work`; training lasts until it is done. */
const inLaunch = (work: string): string => `
first = 3 * os.getpid()  # In this form, no launch corrects it.
print('ready', flush=True)
while 3 * os.getpid() == first: time.sleep(0.01)
${work}
open('touched', 'w').close()
`;
const warmup =
  'until = { log = "ready" }\nsettle = "300ms"\n[train]\nrun = ["test -e touched && rm touched"]';

/** Holds `pages` pages of its own; its launch writes to each of the first half and reads none of the others. */
const threads = `
import threading
for _ in range(3): threading.Thread(target=lambda: wait_for('go'), daemon=True).start()
`;
const work = (more: string): string => `${more}
held = bytearray(os.urandom(${pages * pageSize}))
before = bytes(held[-64:])
def first_half():
    for page in range(${pages / 2}): held[page * ${pageSize}] = page % 251
    touched = all(held[page * ${pageSize}] == page % 251 for page in range(${pages / 2}))
    print('right' if touched and bytes(held[-64:]) == before else 'wrong', flush=True)
${inLaunch('first_half()')}`;

interface Shown {
  readonly header: { readonly id: string };
  readonly processes: readonly {
    readonly mappings: readonly { readonly start: string; readonly end: string; readonly name: string }[];
  }[];
  readonly workingSet: {
    readonly readPages: number;
    readonly writtenPages: number;
    readonly runs: readonly { readonly address: string; readonly pages: number; readonly written: boolean }[];
  };
}

function shown(t: ExecutionContext, workshop: Workshop): Shown {
  const result = workshop.thaw('show', '--json', 'app');
  t.is(result.status, 0, result.stderr);
  return JSON.parse(result.stdout) as Shown;
}

for (const [kind, more] of [
  ['one thread, fed before it goes on', ''],
  ['threads, fed beside them', threads],
] as const)
  test(`an app with ${kind}`, (t) => {
    const workshop = new Workshop(t);
    const built = workshop.thaw('build', workshop.profile('app', warmup, work(more)));
    t.is(built.status, 0, built.stderr);
    const { workingSet } = shown(t, workshop);
    t.true(workingSet.writtenPages >= pages / 2, JSON.stringify(workingSet));
    t.true(workingSet.writtenPages < pages, 'pages that the launch leaves alone are no part of it');
    t.true(workingSet.readPages > 0);
    for (const feed of ['on', 'off', 'record']) {
      const launch = workshop.launch('app', { THAW_FEED: feed });
      t.is(launch.status, 0, launch.stderr);
      t.is(launch.stdout, 'right\nwarm\ndone\n', feed);
      t.is(launch.stderr, '', 'no cold start');
    }
  });

/** Writes to all of its pages, from the last to the first. */
const backwards = `
held = bytearray(os.urandom(${pages * pageSize}))
def write():
    for page in reversed(range(${pages})): held[page * ${pageSize}] = 1
${inLaunch('write()')}`;

test('the working set is in the order of first use, by blocks of 128 KB', (t) => {
  const workshop = new Workshop(t);
  const built = workshop.thaw('build', workshop.profile('app', warmup, backwards));
  t.is(built.status, 0, built.stderr);
  const blockPages = 32;
  const blocks = shown(t, workshop).workingSet.runs.filter((run) => run.written && run.pages === blockPages);
  t.true(blocks.length >= pages / blockPages - 2, JSON.stringify(blocks));
  const addresses = blocks.map(({ address }) => parseInt(address, 16));
  t.deepEqual(
    addresses,
    [...addresses].sort((a, b) => b - a),
  );
  const listed = workshop.thaw('show', '--working-set', 'app').stdout;
  t.regex(listed, new RegExp(`${blocks[0]?.address ?? ''} +128 KiB +written`));
});

/** Executes what follows under a filter that kills for sched_setaffinity(2), as a service without systemd's @resources has one. */
const filtered = `
import ctypes, os, struct, sys
numbers = {'x86_64': 203, 'armv7l': 241}
def instruction(code, if_true, if_false, value): return struct.pack('HBBI', code, if_true, if_false, value)
load, equal, answer, kill, allow = 0x20, 0x15, 0x06, 0x80000000, 0x7fff0000
filter = ctypes.create_string_buffer(
    instruction(load, 0, 0, 0) + instruction(equal, 0, 1, numbers.get(os.uname().machine, 122))
    + instruction(answer, 0, 0, kill) + instruction(answer, 0, 0, allow))
class Program(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.byref(Program(4, ctypes.addressof(filter))), 0, 0) == 0  # PR_SET_SECCOMP
os.execv(sys.argv[1], sys.argv[1:])`;

test('a filter of system calls that kills for what would only be quicker', (t) => {
  const workshop = new Workshop(t);
  t.is(workshop.thaw('build', workshop.profile('app', warmup, work(threads))).status, 0);
  const launch = workshop.launch('app', {}, [python, '-c', filtered]);
  t.is(launch.status, 0, `${launch.signal ?? 'no signal'}: ${launch.stderr}`);
  t.is(launch.stdout, 'right\nwarm\ndone\n');
  t.is(launch.stderr, '', 'no cold start');
});

const everySixtyFourth = pages / 64;
const mapBig = `
import mmap
big = open('big')
held = mmap.mmap(big.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)`;
const touchOfBig = `${mapBig}
def touch():
    for page in range(0, ${pages}, 64): held[page * ${pageSize}]
${inLaunch('touch()')}`;
const keepBig = `${mapBig}
sum(held[page * ${pageSize}] for page in range(${pages}))
print('kept', flush=True)
input()`;

test('of a file that another process maps as well, only what the launch touches', async (t) => {
  const workshop = new Workshop(t);
  workshop.write('big', randomBytes(pages * pageSize));
  const other = spawn(python, ['-c', keepBig], {
    cwd: workshop.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(other.stdout, 'data');
    const built = workshop.thaw('build', workshop.profile('app', warmup, touchOfBig));
    t.is(built.status, 0, built.stderr);
  } finally {
    other.kill();
  }
  const { processes, workingSet } = shown(t, workshop);
  const big = processes[0]?.mappings.find(({ name }) => name.endsWith('/big'));
  assert.ok(big);
  const within = ({ address }: { address: string }): boolean =>
    BigInt(`0x${address}`) >= BigInt(`0x${big.start}`) && BigInt(`0x${address}`) < BigInt(`0x${big.end}`);
  const touched = workingSet.runs.filter(within).reduce((sum, run) => sum + run.pages, 0);
  t.is(touched, everySixtyFourth);
});

test('what the [train] section runs is what counts', (t) => {
  const workshop = new Workshop(t);
  const profile = workshop.profile(
    'app',
    'until = { log = "warm$" }\nsettle = "300ms"\nrun = ["true"]',
    '',
    '[train]\nrun = ["echo trained >> trained.txt"]',
  );
  t.is(workshop.thaw('build', profile).status, 0);
  t.is(readFileSync(join(workshop.folder, 'trained.txt'), 'utf8'), 'trained\n');
  t.is(
    workshop.thaw(
      'build',
      workshop.profile('app', 'until = { log = "warm$" }\ntimeout = "3s"', '', '[train]\nrun = ["false"]\n'),
    ).status,
    1,
  );
});

/** Writes to as many pages as the file says, before it prints the last line. */
const asAsked = `
held = bytearray(os.urandom(${pages * pageSize}))
def write():
    for page in range(int(open('count').read())): held[page * ${pageSize}] = 1
${inLaunch('write()')}`;

test('thaw train: a new working set for the installed image, which stays as it was when something is wrong', (t) => {
  const workshop = new Workshop(t);
  workshop.write('count', '10');
  const profile = workshop.profile('app', warmup, asAsked, 'env = { WANTED = "1" }');
  t.is(workshop.thaw('build', profile).status, 0);
  const before = shown(t, workshop);
  const touched = join(workshop.folder, 'touched');

  rmSync(touched, { force: true });
  t.is(workshop.thaw('train', 'app').status, 0);
  const same = shown(t, workshop).workingSet;
  const most = 1.3 * before.workingSet.readPages;
  t.true(
    same.readPages < most,
    `read again: ${same.readPages} pages, at the build ${before.workingSet.readPages}`,
  );

  workshop.write('count', String(pages));
  rmSync(touched, { force: true });
  const trained = workshop.thaw('train', 'app');
  t.is(trained.status, 0, trained.stderr);
  const after = shown(t, workshop);
  t.true(after.workingSet.writtenPages >= before.workingSet.writtenPages + pages / 2);
  t.is(after.header.id, before.header.id);
  const launch = workshop.launch('app', { WANTED: '1' });
  t.is(launch.stderr, '');
  t.regex(launch.stdout, /done/);

  workshop.write('count', 'none'); // The app ends with an error, and so does the training.
  rmSync(touched);
  const failed = workshop.thaw('train', 'app');
  t.is(failed.status, 1);
  t.regex(failed.stderr, /app: train/);
  t.deepEqual(shown(t, workshop).workingSet, after.workingSet);
  t.deepEqual(
    readdirSync(join(workshop.store, 'profiles', 'app')).filter((file) => file.startsWith('.new')),
    [],
  );
  t.is(workshop.thaw('train', 'nonesuch').status, 1);
  t.is(workshop.thaw('train').status, 2);
});

const [regions, regionPages, apart] = [64, 16, 64];
/** Writes to 64 KB of each 256 KB that it holds, the last of them first: more than what is worth an order of its own. */
const scattered = `
held = bytearray(os.urandom(${regions * apart * pageSize}))
def write():
    for region in reversed(range(${regions})):
        for page in range(${regionPages}): held[(region * ${apart} + page) * ${pageSize}] = 1
${inLaunch('write()')}`;

const imageOf = ({ store }: Workshop): string => realpathSync(join(store, 'profiles', 'app', 'current.thaw'));
/** Pages between two parts of the working set that stay with them (native/image/hot_order.cc). */
const together = 32 << 10;

/** Whether the working set stands in front, in the order of its use: the regions, from the last one to the first. */
function expectInOrder(t: ExecutionContext, workshop: Workshop): void {
  const image = new ImagePages(imageOf(workshop));
  const { runs } = shown(t, workshop).workingSet;
  const places = image.feedRuns
    .filter((_, i) => runs[i]?.written === true && runs[i].pages >= regionPages / 2)
    .map(({ offset }) => offset);
  t.true(places.length >= regions - 1, JSON.stringify(runs));
  t.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.deepEqual(image.strangers(together), []);
}

test('a large working set stands first in the image, in the order of its use', (t) => {
  const workshop = new Workshop(t);
  const built = workshop.thaw('build', workshop.profile('app', warmup, scattered));
  t.is(built.status, 0, built.stderr);
  expectInOrder(t, workshop);
  const { size } = statSync(imageOf(workshop));

  rmSync(join(workshop.folder, 'touched'), { force: true });
  const trained = workshop.thaw('train', 'app');
  t.is(trained.status, 0, trained.stderr);
  expectInOrder(t, workshop);
  t.true(Math.abs(statSync(imageOf(workshop)).size - size) < size / 100);
  const launch = workshop.launch('app');
  t.is(launch.stderr, '');
  t.regex(launch.stdout, /done/);
});

test('with a small working set, an image keeps its order', (t) => {
  const workshop = new Workshop(t);
  const built = workshop.thaw('build', workshop.profile('app', warmup, inLaunch('pass')));
  t.is(built.status, 0, built.stderr);
  const image = new ImagePages(imageOf(workshop));
  const stored = image.feedRuns.filter(({ offset }) => offset !== 0);
  t.true(stored.reduce((sum, { size }) => sum + size, 0) < 2 << 20);
  t.deepEqual(
    image.places,
    [...image.places].sort((a, b) => a - b),
  );
});

/** The store on a small disk: room for the image that a build makes, and for a half of another one. */
const onSmallDisk = `store=$1; half=$2; thaw_exec=$3; python=$4; shift 4
cp -a "$store" "$store.kept"
mount -t tmpfs -o mode=711,size=$(($(du -sk "$store" | cut -f1) + 3 * half))k none "$store"
cp -a "$store.kept/." "$store"; rm -r "$store.kept"
"$@"
ls -A "$store/profiles/app" | grep '^[.]new' && exit 97
cp "$store/profiles/app/current.thaw" made.thaw
: >go; exec "$thaw_exec" --store "$store" -- "$python" app.py`;

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a disk that is full while training: the image keeps its order, and the build says so', (t) => {
  const workshop = new Workshop(t);
  const profile = workshop.profile('app', warmup, scattered);
  t.is(workshop.thaw('build', profile).status, 0);
  rmSync(join(workshop.folder, 'touched'), { force: true });
  const half = Math.floor((statSync(imageOf(workshop)).blocks * 512) / 1024 / 2);
  const build = [process.execPath, cli, 'build', '--store', workshop.store, profile];
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-ec', onSmallDisk, 'sh', workshop.store, String(half), thawExec, python, ...build],
    {
      cwd: workshop.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, THAW_LOG: 'warn' },
    },
  );
  t.is(status, 0, stderr);
  t.regex(stderr, /the working set does not stand first in the image/);
  t.regex(stderr, /make room for one more image in the store, then thaw train/);
  t.regex(stdout, /warm\ndone\n$/, stderr);
  t.notRegex(stdout, /warming\nwarm\ndone/, 'no cold start');
  const made = new ImagePages(join(workshop.folder, 'made.thaw'));
  t.true(made.feedRuns.length >= regions, 'it has its working set');
  t.deepEqual(
    made.places,
    [...made.places].sort((a, b) => a - b),
  );
});
