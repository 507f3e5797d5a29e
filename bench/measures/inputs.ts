import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { untilResume } from '../../launcher/phases.js';
import { buildWithInputs } from '../build_with_inputs.js';
import { unlessLacking } from '../lacking.js';
import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { ReadOnlyRoot } from '../read_only_root.js';
import { uncomparedStart, warmStart } from '../start.js';
import type { Start } from '../instance.js';
import type { Subject } from '../subjects.js';
import { launchTraced } from './floor.js';

const NAME = 'inputs';
const SUBJECT = 'ts-server';
const FOLDERS = 20;
const FILES = 100;
const IDENTITY = 'build-id';

type Action = (round: number) => Promise<void>;

/** What a launch pays for looking at its inputs: an app as it is, with 2,000 more of them, and with one file that stands for these. */
export const inputsMeasure: Measure = {
  name: NAME,
  summary:
    'the TypeScript server as it is, with 2,000 more inputs, and with these on a root that has an identity',
  run: async (bench) => {
    const subject = bench.subjects.find(({ profile }) => profile === SUBJECT);
    if (subject === undefined) return;
    bench.say(`${SUBJECT}: plain, 2,000 more inputs, root identity`);
    const tree = makeFiles(join(bench.work, 'inputs'));
    const folder = join(bench.work, 'root');
    const measured = new Map([
      ['plain', bench.thaw.store],
      ['2000-more', (await buildWithInputs(bench, SUBJECT, 'inputs', `add = [${files(tree)}]`)).store],
    ]);
    let root: ReadOnlyRoot | undefined;
    await unlessLacking(bench.recorder, `${NAME}: root identity`, async () => {
      root = await ReadOnlyRoot.of(tree, folder, bench.work);
      const keys = `add = [${files(folder)}], root_identity = ${JSON.stringify(join(folder, IDENTITY))}`;
      measured.set('root-identity', (await buildWithInputs(bench, SUBJECT, 'root', keys, root)).store);
    });
    try {
      const actions = [...measured].map(([name, store]) => variant(bench, subject, name, store, root));
      await inTurn(bench.rounds, [
        ...actions.map(({ first }) => first),
        ...actions.map(({ resume }) => resume),
      ]);
    } finally {
      root?.end();
    }
  },
};

/** All are launched where the root is, if there is one: the way there is the same for all. */
function variant(
  bench: Bench,
  subject: Subject,
  name: string,
  store: string,
  root: ReadOnlyRoot | undefined,
): { readonly first: Action; readonly resume: Action } {
  const log = join(bench.work, `${SUBJECT}-inputs.log`);
  const there = (start: Start): Start => root?.start(start) ?? start;
  const start = there(warmStart(subject, store, log));
  const uncompared = there(uncomparedStart(subject, store, log));
  return {
    first: (round) => recordFirstAnswer(bench, { measure: NAME, variant: name }, subject, start, round),
    resume: async (round) => {
      const ms = await resumeMs(subject, start, round);
      bench.recorder.add({ measure: `${NAME}-resume`, subject: SUBJECT, variant: name }, 'ms', ms);
      // Images differ by more than this is about: each is compared with itself.
      const cost = ms - (await resumeMs(subject, uncompared, round));
      bench.recorder.add({ measure: `${NAME}-cost`, subject: SUBJECT, variant: name }, 'ms', cost);
    },
  };
}

async function resumeMs(subject: Subject, start: Start, round: number): Promise<number> {
  return untilResume(await launchTraced(subject, start, round)) / 1000;
}

/** Files that nobody reads, and one that names them all. @returns their folder */
function makeFiles(folder: string): string {
  for (let i = 0; i < FOLDERS; i++) {
    mkdirSync(join(folder, String(i)), { recursive: true });
    for (let j = 0; j < FILES; j++) writeFileSync(join(folder, String(i), String(j)), `${j}\n`);
  }
  writeFileSync(join(folder, IDENTITY), '1\n');
  return folder;
}

/** The pattern of them, as TOML has it. */
function files(folder: string): string {
  return JSON.stringify(join(folder, '*', '*'));
}
