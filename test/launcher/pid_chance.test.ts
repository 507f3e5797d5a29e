// How often the search for an app's own pid takes a number for it that equals it by chance: what is found where the number was
// put among data of one kind, against how often such data hold it by themselves.
import test, { type ExecutionContext } from 'ava';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';

import { native } from '../../launcher/engine/index.js';
import { apps } from '../engine/support/paths.js';
import { Workshop, asFound } from './support.js';

const SIZE = 1 << 20;
const PLACES = 1000;
/** Between two places, and what lies before the first (test/apps/pid_places.c). */
const STEP = Math.floor(SIZE / PLACES) & ~7;
const WITHIN = 512;
/** Smaller ids are looked for nowhere but in locks. */
const LEAST_ID = 65_536;
/** Of all words of 32 bits. */
const WORDS_IN_MB = SIZE / 4;

interface Found {
  /** Of 1,000 places, those that a launch would correct. */
  readonly taken: number;
  /** Whether the checkpoint named others. */
  readonly named: boolean;
}

/** Starts the app with a pid that can be told from other numbers, where that can be, and looks into its image. */
async function find(t: ExecutionContext, what: string, data?: Uint8Array): Promise<Found | undefined> {
  const workshop = new Workshop(t);
  if (data !== undefined) workshop.write('data', data);
  const files = ['status', 'go', '.'].map((name) => join(workshop.folder, name));
  const nothing = openSync('/dev/null', 'r+');
  const program = join(apps, 'pid_places');
  const pid = native.spawn({
    program,
    args: [program, ...files, what],
    env: [],
    cwd: workshop.folder,
    stdio: [nothing, nothing, 2],
    setsid: false,
    kept: true,
    unusualPid: true,
    largePid: true,
  });
  if (pid < LEAST_ID) {
    t.log('not tried: the pid is too small to be told');
    await native.end(pid);
    return undefined;
  }
  while (!existsSync(join(workshop.folder, 'status'))) await setTimeout(10);
  const image = join(workshop.folder, 'app.thaw');
  await native.checkpoint({ ...asFound, pid, image });
  await native.wait(pid);
  const text = readFileSync(join(workshop.folder, 'mapping'), 'utf8');
  const [start = 0n, end = 0n] = text.split(' ').map((address) => BigInt(`0x${address}`));
  const { processes } = native.show(image);
  const within = ({ address }: { readonly address: string }): boolean =>
    BigInt(`0x${address}`) >= start && BigInt(`0x${address}`) < end;
  return {
    taken: processes.flatMap(({ ids }) => ids).filter(within).length,
    named: processes.some(({ idNotices }) => idNotices.some(within)),
  };
}

/** What a launch would write over by mistake, in each MB: one word in 2^32 equals the pid. */
function report(t: ExecutionContext, what: string, { taken, named }: Found, most: number): void {
  const rate = (WORDS_IN_MB / 2 ** 32) * (taken / PLACES);
  t.log(`${what}: ${taken} of ${PLACES} taken for the pid, which is ${rate.toExponential(1)} for each MB`);
  t.true(taken <= most, what);
  t.true(named, what);
}

/** A program's text, as it was compressed. */
function compressed(): Uint8Array {
  let text = '';
  for (let i = 0; text.length < 8 * SIZE; i++) text += `line ${i} of ${(i * 2654435761) % 1000003}; `;
  return deflateRawSync(text).subarray(0, SIZE);
}

function words(word: (i: number) => number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: WORDS_IN_MB }, (_, i) => word(i)).buffer);
}

/** 16 bits for each sample, two of them in a word. */
function sound(): Uint8Array {
  const sample = (i: number): number => Math.round(3000 * Math.sin(i / 20) + 500 * Math.sin(i / 3)) & 0xffff;
  return words((i) => (sample(i) << 16) | sample(i + 7));
}

/** Words are even where they would else be numbers that are no ids, which the search knows for a sign of chance. */
const kinds: Readonly<Record<string, { readonly make: () => Uint8Array; readonly most?: number }>> = {
  'random data': { make: () => randomBytes(SIZE) },
  'compressed data': { make: compressed },
  doubles: {
    make: () => new Uint8Array(Float64Array.from({ length: SIZE / 8 }, (_, i) => Math.sin(i)).buffer),
  },
  // Where it is so low that most bytes are zero, but there it seldom equals a pid by itself.
  sound: { make: sound, most: 100 },
  'a picture': {
    make: () => words((i) => (((i * 7919) % 256) << 16) | (((i >> 3) % 256) << 8) | ((2 * i) % 256)),
  },
  // But for the first of them, which are far smaller than a pid.
  'offsets in a file': { make: () => words((i) => 38 * i), most: 30 },
};

/** Random, as far as the places: there follow zeros. */
function ending(): Uint8Array {
  const data = randomBytes(SIZE);
  for (let i = 0; i < PLACES; i++) data.fill(0, i * STEP + WITHIN + 4, i * STEP + WITHIN + 132);
  return data;
}

for (const form of ['clocks', 'futexes'])
  test.serial(
    `${form} that equal the pid's by chance at the end of random data are left alone`,
    async (t) => {
      const found = await find(t, form, ending());
      if (found === undefined) return void t.pass();
      // But for two at the start of a page, where nothing is before them, and what is random.
      report(t, form, found, 10);
    },
  );

for (const [what, { make, most = 0 }] of Object.entries(kinds))
  test.serial(`what equals the pid by chance among ${what} is left alone`, async (t) => {
    const data = make();
    t.is(data.length, SIZE);
    const found = await find(t, 'data', data);
    if (found === undefined) return void t.pass();
    report(t, what, found, most);
  });

test.serial('what an app keeps beside other numbers is corrected everywhere', async (t) => {
  const found = await find(t, 'structures');
  if (found === undefined) return void t.pass();
  t.is(found.taken, 2 * PLACES);
});

// Their other neighbours look like chance: a heap's free memory may hold anything.
for (const what of ['random data', 'a picture'])
  test.serial(`pids of a list of children are corrected among ${what}`, async (t) => {
    const found = await find(t, 'links', kinds[what]?.make());
    if (found === undefined) return void t.pass();
    t.is(found.taken, PLACES);
  });
