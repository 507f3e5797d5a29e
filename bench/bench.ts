// `npm run bench`: measures thaw against cold starts, CRIU and what the kernel can do at best, side by side in one run.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { command } from '../launcher/command.js';
import { UsageError, messageOf } from '../launcher/errors.js';
import { main } from '../launcher/main.js';
import { count, flag, names, parsed, text, textOr } from '../launcher/options.js';
import { againstMeasure, contender, oldToNew } from './against.js';
import { writeCharts } from './charts.js';
import { differenceTable, differences, regressed } from './compare.js';
import { thisMachine } from './machine.js';
import type { Bench, Measure } from './measure.js';
import { measures } from './measures/index.js';
import { root } from './paths.js';
import { present } from './present.js';
import { Recorder, readResults, writeResults } from './results.js';
import { subjects, windowProfiles } from './subjects.js';
import { Thaw } from './thaw.js';

const width = Math.max(...measures.map(({ name }) => name.length));
const notes = `Measures:
${measures.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('')}
Profiles: ${subjects.map(({ profile }) => profile).join(', ')}
With a window: ${windowProfiles.join(', ')}
CRIU is measured if $CRIU or PATH has one.`;

const measureNames = new Set(measures.map(({ name }) => name));

const bench = command({
  about:
    'Measures side by side, in turn, and prints medians, quartiles, and the speed to reach with what was reached. The results ' +
    'are written to build/bench/. For ARM CPUs under QEMU: npm run bench:arm.',
  options: {
    quick: flag('--quick', 'fewer rounds, smaller images'),
    only: parsed('--only <NAME,...>', 'these measures or profiles only', names),
    keepImages: flag(
      '--keep-images',
      'launch the images of the last run, where there are any, in place of new ones',
    ),
    output: textOr('--output <DIR>', 'where results and charts go', join(root, 'build', 'bench')),
    store: textOr('--store <DIR>', 'the store for the images', join(root, 'build', 'store')),
    rounds: count('--rounds <N>', 'how many times each thing is measured (default: 7, with --quick 3)'),
    against: text(
      '--against <FILE|TREE>',
      'first answer and time to resume by an old thaw-exec and by this one, in turn: FILE, which launches the same images, or ' +
        'TREE, another checkout that is built, with images of its own; exit code 1 if this one is slower somewhere',
    ),
    compare: flag(
      '--compare',
      'no measuring: the differences between the results A.json and B.json that are beyond the spread; exit code 1 if B is ' +
        'slower somewhere',
    ),
  },
  operands: ['[A.json]', '[B.json]'],
  notes,
  async run({ only = [], rounds, compare: comparing, ...run }, [before, after]) {
    if (comparing && (before === undefined || after === undefined))
      throw new UsageError('--compare takes two files of results');
    if (before !== undefined && after !== undefined && comparing) return compare(before, after);
    if (before !== undefined) throw new UsageError(`${before} is for --compare`);
    const other = run.against === undefined ? undefined : only.find((name) => measureNames.has(name));
    if (other !== undefined) throw new UsageError(`--against measures what it does: ${other} is none of it`);
    return measure({ ...choose(only), ...run, rounds: rounds ?? (run.quick ? 3 : 7) });
  },
});

function compare(before: string, after: string): number {
  const found = differences(readResults(before), readResults(after));
  process.stdout.write(differenceTable(found));
  return regressed(found) ? 1 : 0;
}

interface Choice {
  readonly measures: readonly Measure[];
  readonly subjects: Bench['subjects'];
  readonly windows: Bench['windows'];
}

/** A list of measures alone is for all profiles, a list of profiles alone for all measures. */
function choose(names: readonly string[]): Choice {
  const known = [
    ...measures.map((one) => one.name),
    ...subjects.map(({ profile }) => profile),
    ...windowProfiles,
  ];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--only: neither a measure nor a profile: ${unknown} (see --help)`);
  const chosen = <T>(all: readonly T[], name: (one: T) => string): readonly T[] => {
    const some = all.filter((one) => names.includes(name(one)));
    return some.length === 0 ? all : some;
  };
  return {
    measures: chosen(measures, ({ name }) => name),
    subjects: chosen(subjects, ({ profile }) => profile),
    windows: chosen(windowProfiles, (profile) => profile),
  };
}

interface Run extends Choice, Pick<Bench, 'quick' | 'rounds'> {
  readonly against?: string | undefined;
  readonly keepImages: boolean;
  readonly output: string;
  readonly store: string;
}

async function measure({ measures: chosen, subjects, windows, quick, rounds, ...run }: Run): Promise<number> {
  mkdirSync(run.output, { recursive: true });
  const work = mkdtempSync(join(run.output, 'work-'));
  const recorder = new Recorder();
  const machine = thisMachine();
  const path = join(run.output, `${machine.at.replaceAll(/[:.]/g, '-')}.json`);
  const thaw = new Thaw(run.store);
  const old =
    run.against === undefined ? undefined : contender(run.against, thaw, join(run.output, 'against'));
  let code = 0;
  const charts = join(run.output, 'charts');
  const bench: Bench = { thaw, work, charts, recorder, quick, rounds, subjects, windows, say };
  const launched = old !== undefined || chosen.some(({ ownApps }) => ownApps !== true);
  try {
    for (const maker of launched ? new Set([thaw, old?.thaw ?? thaw]) : []) {
      for (const { profile } of subjects) {
        if (run.keepImages && existsSync(maker.image(profile))) continue;
        say(`building the image of ${profile}${maker === thaw ? '' : ', by the old one'}`);
        await maker.build(profile);
      }
    }
    for (const one of old === undefined ? chosen : [againstMeasure(old, thaw)]) {
      if (!(await runs(one, bench))) code = 1;
      writeResults(path, recorder.results(machine)); // An interrupted run keeps what it has.
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const results = recorder.results(machine);
  process.stdout.write(`\n${present(results)}`);
  say(`results: ${path}`);
  if (old !== undefined) {
    const found = oldToNew(results);
    process.stdout.write(`\n${differenceTable(found)}`);
    return regressed(found) ? 1 : code;
  }
  for (const chart of writeCharts(results, charts)) say(`chart: ${chart}`);
  return code;
}

/** @returns false if the measure failed; the others are made all the same */
async function runs(one: Measure, bench: Bench): Promise<boolean> {
  try {
    await one.run(bench);
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`${one.name}: failed: ${messageOf(error)}`);
    bench.recorder.leaveOut(one.name, messageOf(error));
    return false;
  }
}

function say(text: string): void {
  process.stderr.write(`[thaw] ${text}\n`);
}

const name = 'npm run bench --';
await main(name, () => bench.call(name, process.argv.slice(2)));
