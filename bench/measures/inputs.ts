import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readDefinition } from '../../launcher/definition/read.js';
import { untilResume } from '../../launcher/phases.js';
import { resolvedToml } from '../../launcher/store/resolved.js';
import { unlessLacking } from '../lacking.js';
import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { definitionPath } from '../paths.js';
import { ReadOnlyRoot } from '../read_only_root.js';
import { uncomparedStart, warmStart } from '../start.js';
import type { Start } from '../instance.js';
import type { Subject } from '../subjects.js';
import { Thaw } from '../thaw.js';
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
      ['2000-more', await build(bench, 'inputs', `add = [${files(tree)}]`)],
    ]);
    let root: ReadOnlyRoot | undefined;
    await unlessLacking(bench.recorder, `${NAME}: root identity`, async () => {
      root = await ReadOnlyRoot.of(tree, folder, bench.work);
      const keys = `add = [${files(folder)}], root_identity = ${JSON.stringify(join(folder, IDENTITY))}`;
      measured.set('root-identity', await build(bench, 'root', keys, root));
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

/** Builds the profile with more keys for its inputs. @returns the store */
async function build(bench: Bench, name: string, keys: string, root?: ReadOnlyRoot): Promise<string> {
  const path = definitionPath(SUBJECT);
  const toml = resolvedToml(readFileSync(path, 'utf8'), readDefinition(path));
  const definition = join(bench.work, `${SUBJECT}-${name}.toml`);
  writeFileSync(definition, `inputs = { ${keys} }\n${toml}`);
  const thaw = new Thaw(join(bench.work, `${name}-store`), undefined, root);
  await thaw.buildFrom(definition);
  return thaw.store;
}
