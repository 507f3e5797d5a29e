// `npm run bench`: measures thaw against cold starts, CRIU and what the kernel can do at best, side by side in one run.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ThawError, UsageError, messageOf } from '../launcher/errors.js';
import { errorReport } from '../launcher/report.js';
import { writeCharts } from './charts.js';
import { differenceTable, differences, regressed } from './compare.js';
import { thisMachine } from './machine.js';
import type { Bench, Measure } from './measure.js';
import { measures } from './measures/index.js';
import { root } from './paths.js';
import { present } from './present.js';
import { Recorder, readResults, writeResults } from './results.js';
import { subjects } from './subjects.js';
import { Thaw } from './thaw.js';

const width = Math.max(...measures.map(({ name }) => name.length));
const help = `usage: npm run bench -- [options]

Measures side by side, in turn, and prints medians, quartiles, and the speed to reach with what was reached.
The results are written to build/bench/. For ARM CPUs under QEMU: npm run bench:arm.

  --quick                  fewer rounds, smaller images
  --only NAME[,NAME]       these measures or profiles only
  --keep-images            launch the images of the last run, where there are any, in place of new ones
  --output DIR             where results and charts go (default build/bench)
  --store DIR              the store for the images (default build/store)
  --rounds N               how many times each thing is measured (default 7, quick 3)
  --compare A.json B.json  no measuring: the differences between two runs that are beyond the spread;
                           exit code 1 if B is slower somewhere

measures:
${measures.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('')}
profiles: ${subjects.map(({ profile }) => profile).join(', ')}
CRIU is measured if $CRIU or PATH has one.
`;

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      'keep-images': { type: 'boolean', default: false },
      output: { type: 'string', default: join(root, 'build', 'bench') },
      store: { type: 'string', default: join(root, 'build', 'store') },
      compare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) process.stdout.write(help);
  else if (values.compare) return compare(positionals);
  else
    await measure({
      ...choose(values.only),
      quick: values.quick,
      rounds: rounds(values.rounds, values.quick),
      keepImages: values['keep-images'],
      output: values.output,
      store: values.store,
    });
  return 0;
}

function compare(paths: readonly string[]): number {
  const [before, after, extra] = paths;
  if (before === undefined || after === undefined || extra !== undefined)
    throw new UsageError('--compare takes two files of results');
  const found = differences(readResults(before), readResults(after));
  process.stdout.write(differenceTable(found));
  return regressed(found) ? 1 : 0;
}

interface Choice {
  readonly measures: readonly Measure[];
  readonly subjects: Bench['subjects'];
}

/** A list of measures alone is for all profiles, a list of profiles alone for all measures. */
function choose(only: string | undefined): Choice {
  const names = only === undefined ? [] : only.split(',');
  const unknown = names.find(
    (name) => !measures.some((one) => one.name === name) && !subjects.some(({ profile }) => profile === name),
  );
  if (unknown !== undefined)
    throw new UsageError(`--only: neither a measure nor a profile: ${unknown} (see --help)`);
  const chosen = <T>(all: readonly T[], name: (one: T) => string): readonly T[] => {
    const some = all.filter((one) => names.includes(name(one)));
    return some.length === 0 ? all : some;
  };
  return {
    measures: chosen(measures, ({ name }) => name),
    subjects: chosen(subjects, ({ profile }) => profile),
  };
}

function rounds(text: string | undefined, quick: boolean): number {
  const count = text === undefined ? (quick ? 3 : 7) : Number(text);
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--rounds: not a count: ${text ?? ''}`);
  return count;
}

interface Run extends Choice, Pick<Bench, 'quick' | 'rounds'> {
  readonly keepImages: boolean;
  readonly output: string;
  readonly store: string;
}

async function measure({ measures: chosen, subjects, quick, rounds, ...run }: Run): Promise<void> {
  mkdirSync(run.output, { recursive: true });
  const work = mkdtempSync(join(run.output, 'work-'));
  const recorder = new Recorder();
  const machine = thisMachine();
  const path = join(run.output, `${machine.at.replaceAll(/[:.]/g, '-')}.json`);
  const thaw = new Thaw(run.store);
  const bench: Bench = { thaw, work, recorder, quick, rounds, subjects, say };
  try {
    for (const { profile } of subjects) {
      if (run.keepImages && existsSync(thaw.image(profile))) continue;
      say(`building the image of ${profile}`);
      await thaw.build(profile);
    }
    for (const one of chosen) {
      await runOne(one, bench);
      writeResults(path, recorder.results(machine)); // An interrupted run keeps what it has.
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const results = recorder.results(machine);
  process.stdout.write(`\n${present(results)}`);
  say(`results: ${path}`);
  for (const chart of writeCharts(results, join(run.output, 'charts'))) say(`chart: ${chart}`);
}

/** One that fails does not take the others with it. */
async function runOne(one: Measure, bench: Bench): Promise<void> {
  try {
    await one.run(bench);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`${one.name}: failed: ${messageOf(error)}`);
    bench.recorder.leaveOut(one.name, messageOf(error));
    process.exitCode = 1;
  }
}

function say(text: string): void {
  process.stderr.write(`[thaw] ${text}\n`);
}

try {
  const code = await main(process.argv.slice(2));
  if (code !== 0) process.exitCode = code;
} catch (error) {
  const usage = error instanceof UsageError || (error instanceof TypeError && !(error instanceof ThawError));
  process.stderr.write(errorReport(error));
  process.exitCode = usage ? 2 : 1;
}
