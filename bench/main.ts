// `npm start`: builds the profiles that come with thaw, launches each cold and warm in turn, and prints how long the first right
// answer took.

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Instance, type FirstAnswer } from './instance.js';
import { root } from './paths.js';
import { coldStart, warmStart } from './start.js';
import { subject, subjects, type Subject } from './subjects.js';
import { callersOwnGroup } from '../launcher/app/account.js';
import { command } from '../launcher/command.js';
import { main } from '../launcher/main.js';
import { countOr } from '../launcher/options.js';
import { expectOwn } from '../launcher/store/own.js';
import { median } from '../launcher/statistics.js';
import { type Column, table } from '../launcher/columns.js';
import { Thaw } from './thaw.js';

interface Measurement {
  readonly cold: FirstAnswer[];
  readonly warm: FirstAnswer[];
}

const columns: readonly Column[] = [
  { title: 'profile' },
  { title: 'cold', right: true },
  { title: 'warm', right: true },
  { title: 'ratio', right: true },
  { title: 'image', right: true },
  { title: 'resident, cold', right: true },
  { title: 'resident, warm', right: true },
  { title: 'of it private', right: true },
];

const start = command({
  about:
    'Builds the profiles that come with thaw, launches each cold and warm in turn, and prints how long the first right answer ' +
    'took.',
  options: { runs: countOr('--runs <N>', 'how often each is launched', 5) },
  operands: ['[PROFILE...]'],
  async run({ runs }, [names]) {
    await compare(names.length > 0 ? names.map(subject) : subjects, runs);
    return 0;
  },
});

async function compare(chosen: readonly Subject[], runs: number): Promise<void> {
  const thaw = new Thaw(await ownStore());
  const logs = join(root, 'build', 'logs');
  mkdirSync(logs, { recursive: true });
  await buildAll(thaw, chosen);
  const measured = await measureAll(thaw, chosen, runs, logs);
  console.log(
    `\nFirst right answer after the start of the command; medians of ${runs} launches each, cold and warm in turn:\n`,
  );
  console.log(
    table(
      columns,
      chosen.map((one) => row(thaw, one, measured.get(one))),
    ),
  );
}

/** In the tree, or, where that belongs to another user, a new folder that thaw takes for a store. */
async function ownStore(): Promise<string> {
  const folder = join(root, 'build', 'store');
  mkdirSync(folder, { recursive: true });
  const store = realpathSync(folder);
  try {
    expectOwn(store, await callersOwnGroup());
    return store;
  } catch {
    const other = mkdtempSync('/var/tmp/thaw-bench-');
    process.on('exit', () => {
      rmSync(other, { recursive: true, force: true });
    });
    return other;
  }
}

async function buildAll(thaw: Thaw, chosen: readonly Subject[]): Promise<void> {
  for (const { profile } of chosen) {
    const startedAt = performance.now();
    process.stdout.write(`[thaw] building the image of ${profile} ...`);
    await thaw.build(profile);
    console.log(` ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  }
}

/** Cold and warm launches alternate, so that whatever else the machine does falls on both alike. */
async function measureAll(
  thaw: Thaw,
  chosen: readonly Subject[],
  runs: number,
  logs: string,
): Promise<Map<Subject, Measurement>> {
  const measured = new Map<Subject, Measurement>(chosen.map((one) => [one, { cold: [], warm: [] }]));
  for (let run = 1; run <= runs; run++) {
    console.log(`[thaw] launching each cold and warm, ${run} of ${runs}`);
    for (const [one, { cold, warm }] of measured) {
      const log = join(logs, `${one.profile}.log`);
      cold.push(await launchOnce(one, coldStart(one, log), run));
      warm.push(await launchOnce(one, warmStart(one, thaw.store, log), run));
    }
  }
  return measured;
}

async function launchOnce(
  one: Subject,
  start: ReturnType<typeof coldStart>,
  n: number,
): Promise<FirstAnswer> {
  const instance = await Instance.start(start, one.first(n));
  try {
    await one.check(instance, n);
    return instance.first;
  } finally {
    await instance.end();
  }
}

function row(thaw: Thaw, one: Subject, measurement: Measurement | undefined): string[] {
  const { cold, warm } = measurement ?? { cold: [], warm: [] };
  const coldMs = median(cold.map((first) => first.microseconds)) / 1000;
  const warmMs = median(warm.map((first) => first.microseconds)) / 1000;
  return [
    one.profile,
    `${coldMs.toFixed(1)} ms`,
    `${warmMs.toFixed(1)} ms`,
    `${(coldMs / warmMs).toFixed(1)} x`,
    megabytes(thaw.imageBytes(one.profile)),
    megabytes(median(cold.map((first) => first.resident_kb)) * 1024),
    megabytes(median(warm.map((first) => first.resident_kb)) * 1024),
    megabytes(median(warm.map((first) => first.private_kb)) * 1024),
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const name = 'npm start --';
await main(name, () => start.call(name, process.argv.slice(2)));
