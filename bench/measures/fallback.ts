import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { output } from '../command.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { benchProgram, thawExec } from '../paths.js';

const NAME = 'fallback';
const SUBJECT = 'trivial';
const RUNS = 20;

/** A cold start through thaw-exec, of a program that does nothing: with no image, and with one that is stale. */
export const fallbackMeasure: Measure = {
  name: NAME,
  summary: 'a program that does nothing: exec, thaw-exec with no image, thaw-exec with a stale image',
  run: async (bench) => {
    bench.say('fallback: exec, no image, stale image');
    const program = await makeStaleImage(bench);
    const empty = join(bench.work, 'empty-store');
    mkdirSync(empty);
    const run = (variant: string, command: readonly string[]) => (): Promise<void> => {
      for (const line of output([benchProgram('exec_time'), String(RUNS), ...command])
        .trim()
        .split('\n'))
        bench.recorder.add({ measure: NAME, subject: SUBJECT, variant }, 'ms', Number(line) / 1e6);
      return Promise.resolve();
    };
    await inTurn(bench.rounds * 2, [
      run('exec', [program]),
      run('no-image', [thawExec, '--store', empty, '--', program]),
      run('stale-image', [thawExec, '--store', bench.thaw.store, '--', program]),
    ]);
  },
};

/** Makes an image of the program, then changes the program. @returns its path */
async function makeStaleImage(bench: Bench): Promise<string> {
  const program = join(bench.work, SUBJECT);
  copyFileSync(benchProgram(SUBJECT), program);
  const definition = join(bench.work, `${SUBJECT}.toml`);
  writeFileSync(
    definition,
    `name = "bench-${SUBJECT}"\nprogram = "${program}"\nenv = { HOLD = "1" }\n[warmup]\nuntil = { delay = "100ms" }\n[launch]\ncwd = "any"\n`,
  );
  await bench.thaw.buildFrom(definition);
  appendFileSync(program, '\0');
  return program;
}
