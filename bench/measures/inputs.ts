import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readDefinition } from '../../launcher/definition/read.js';
import { resolvedToml } from '../../launcher/store/resolved.js';
import { recordFirstAnswer } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { definitionPath } from '../paths.js';
import { warmStart } from '../start.js';
import type { Subject } from '../subjects.js';
import { Thaw } from '../thaw.js';

const NAME = 'inputs';
const SUBJECT = 'ts-server';
const FOLDERS = 20;
const FILES = 100;

/** What a launch pays for looking at its inputs: the first answer of an app as it is, and with 2,000 more of them. */
export const inputsMeasure: Measure = {
  name: NAME,
  summary: 'first answer of the TypeScript server, as it is and with 2,000 more inputs',
  run: async (bench) => {
    const subject = bench.subjects.find(({ profile }) => profile === SUBJECT);
    if (subject === undefined) return;
    bench.say(`${SUBJECT}: plain, 2,000 more inputs`);
    const store = await buildWithInputs(bench);
    const log = join(bench.work, `${SUBJECT}-inputs.log`);
    await inTurn(bench.rounds, [
      variant(bench, subject, 'plain', bench.thaw.store, log),
      variant(bench, subject, '2000-more', store, log),
    ]);
  },
};

function variant(bench: Bench, subject: Subject, name: string, store: string, log: string) {
  const start = warmStart(subject, store, log);
  return (round: number) => recordFirstAnswer(bench, { measure: NAME, variant: name }, subject, start, round);
}

/** Builds the profile with files as inputs that nobody reads. @returns the store */
async function buildWithInputs(bench: Bench): Promise<string> {
  const folder = join(bench.work, 'inputs');
  for (let i = 0; i < FOLDERS; i++) {
    mkdirSync(join(folder, String(i)), { recursive: true });
    for (let j = 0; j < FILES; j++) writeFileSync(join(folder, String(i), String(j)), `${j}\n`);
  }
  const path = definitionPath(SUBJECT);
  const toml = resolvedToml(readFileSync(path, 'utf8'), readDefinition(path));
  const definition = join(bench.work, `${SUBJECT}-inputs.toml`);
  writeFileSync(definition, `inputs = { add = [${JSON.stringify(join(folder, '*', '*'))}] }\n${toml}`);
  const thaw = new Thaw(join(bench.work, 'inputs-store'));
  await thaw.buildFrom(definition);
  return thaw.store;
}
