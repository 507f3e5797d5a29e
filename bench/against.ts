// Two thaw-exec, an old one and this tree's, in turn in one run: whatever else the machine does falls on both.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ThawError } from '../launcher/errors.js';
import { untilResume } from '../launcher/phases.js';
import { type Difference, differences } from './compare.js';
import { recordFirstAnswer } from './launch.js';
import { type Measure, inTurn } from './measure.js';
import { launchTraced } from './measures/floor.js';
import { nativeProgram, root, thawExec } from './paths.js';
import type { Results, Series } from './results.js';
import { warmStart } from './start.js';
import { Thaw } from './thaw.js';

interface Contender {
  readonly variant: 'old' | 'new';
  readonly program: string;
  readonly thaw: Thaw;
}

/** The old one: a thaw-exec, which launches this tree's images, or a tree that is built, which makes its own in `store`. */
export function contender(path: string, mine: Thaw, store: string): Contender {
  const folder = resolve(path);
  const isTree = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  const program = isTree ? nativeProgram('thaw-exec', folder) : folder;
  if (!existsSync(program))
    throw new ThawError(`there is no ${program}`, {
      remedy: 'name a thaw-exec, or the folder of another checkout that has been built (npm run build)',
    });
  return { variant: 'old', program, thaw: isTree ? new Thaw(store, folder) : mine };
}

/** First answer and time to resume of both. */
export function againstMeasure(old: Contender, mine: Thaw): Measure {
  const contenders: readonly Contender[] = [old, { variant: 'new', program: thawExec, thaw: mine }];
  return {
    name: 'against',
    summary: `${old.program} and ${join(root, 'build')} in turn`,
    run: async (bench) => {
      for (const subject of bench.subjects) {
        bench.say(`${subject.profile}: old, new`);
        const actions = contenders.map(({ variant, program, thaw }) => {
          const start = warmStart(
            subject,
            thaw.store,
            join(bench.work, `${subject.profile}.${variant}.log`),
            program,
          );
          return {
            first: (round: number) =>
              recordFirstAnswer(bench, { measure: 'first-answer', variant }, subject, start, round),
            resume: async (round: number) => {
              const ms = untilResume(await launchTraced(subject, start, round)) / 1000;
              bench.recorder.add({ measure: 'resume', subject: subject.profile, variant }, 'ms', ms);
            },
          };
        });
        await inTurn(bench.rounds, [
          ...actions.map(({ first }) => first),
          ...actions.map(({ resume }) => resume),
        ]);
      }
    },
  };
}

/** Where the new one differs from the old one beyond the spread of both. */
export function oldToNew(results: Results): readonly Difference[] {
  const of = (variant: Contender['variant']): Results => ({
    ...results,
    series: results.series.flatMap((one): Series[] =>
      one.variant === variant ? [{ ...one, variant: 'warm' }] : [],
    ),
  });
  return differences(of('old'), of('new'));
}
