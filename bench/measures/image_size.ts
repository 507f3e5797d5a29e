import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { benchProgram } from '../paths.js';
import type { Start } from '../instance.js';
import { warmCommand } from '../start.js';
import type { Subject } from '../subjects.js';
import { Thaw } from '../thaw.js';
import { launchTraced, recordPhases } from './floor.js';

const NAME = 'image-size';
const PORT = 8210;
const SIZES_MB = [10, 100, 500, 1000, 2000, 4000];
const QUICK_SIZES_MB = [100, 2000];

/** The same program with heaps of many sizes: what a launch costs must not depend on it. */
export const imageSizeMeasure: Measure = {
  name: NAME,
  summary: `resume, its phases and the first answer of images of ${SIZES_MB.join(', ')} MB with the same mappings`,
  run: async (bench) => {
    const sizes = (bench.quick ? QUICK_SIZES_MB : SIZES_MB).filter((size) => fits(bench, size));
    const thaw = new Thaw(join(bench.work, 'heap-store'));
    for (const size of sizes) {
      bench.say(`building an image of ${size} MB`);
      await thaw.buildFrom(writeDefinition(bench, size));
    }
    bench.say(`launching images of ${sizes.join(', ')} MB`);
    await inTurn(
      bench.rounds * 2,
      sizes.map((size) => (round) => launchHeap(bench, thaw, size, round)),
    );
  },
};

/** The phases need a launch of their own: printing them takes time. */
async function launchHeap(bench: Bench, thaw: Thaw, size: number, round: number): Promise<void> {
  const subject = heapSubject(size);
  const start: Start = {
    command: warmCommand(thaw.store, subject.profile, command(size)),
    cwd: bench.work,
    env: {},
    port: PORT,
    log: join(bench.work, `${subject.profile}.log`),
  };
  const key = { measure: NAME, subject: 'heap', x: size };
  recordPhases(bench, key, await launchTraced(subject, start, round));
  const recorded = { ...subject, profile: key.subject };
  await recordFirstAnswer(bench, { measure: NAME, variant: 'first answer', x: size }, recorded, start, round);
}

/** The app in memory, its image on disk and in the page cache, all at the same time. */
function fits({ recorder, work }: Bench, size: number): boolean {
  const bytes = size * 1e6;
  const { bavail, bsize } = statfsSync(work);
  const why =
    bavail * bsize < 4 * bytes
      ? 'not enough room on disk'
      : freemem() < 2.5 * bytes
        ? 'not enough memory'
        : undefined;
  if (why !== undefined) recorder.leaveOut(`an image of ${size} MB`, why);
  return why === undefined;
}

function writeDefinition({ work }: Bench, size: number): string {
  const folder = join(work, 'heap');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${size}.toml`);
  const [program = '', ...args] = command(size);
  writeFileSync(
    path,
    `name = "heap-${size}"\nprogram = ${JSON.stringify(program)}\nargs = ${JSON.stringify(args)}\n` +
      `[warmup]\nuntil = { port = ${PORT} }\nrun = ["curl -s --http0.9 -o /dev/null http://127.0.0.1:${PORT}/"]\ntimeout = "300s"\n`,
  );
  return path;
}

function command(size: number): string[] {
  return [benchProgram('heap'), String(PORT), String(size)];
}

function heapSubject(size: number): Subject {
  return {
    profile: `heap-${size}`,
    port: PORT,
    first: () => ({ send: 'how much?\r\n', expect: `heap ${size}\n` }),
    check: () => Promise.resolve(),
  };
}
