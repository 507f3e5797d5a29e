import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { ThawError } from '../../launcher/errors.js';
import { type Image, native } from '../../launcher/engine/index.js';
import { parsePhases, PHASES, untilResume, type Phases } from '../../launcher/phases.js';
import { output } from '../command.js';
import { firstAnswer, withEnv } from '../launch.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { benchProgram } from '../paths.js';
import type { Start } from '../instance.js';
import { warmStart } from '../start.js';
import type { Subject } from '../subjects.js';

const NAME = 'resume';

/** From main() to resume, in phases, against a program that makes as many mappings, threads and descriptors. */
export const floorMeasure: Measure = {
  name: NAME,
  summary: 'resume and its phases, against a program making as many mappings, threads and descriptors',
  run: async (bench) => {
    for (const subject of bench.subjects) {
      bench.say(`${subject.profile}: resume, floor`);
      const log = join(bench.work, `${subject.profile}.trace.log`);
      const path = bench.thaw.image(subject.profile);
      const floor = floorCommand(native.show(path), path);
      await inTurn(bench.rounds * 2, [
        async (round) => {
          const start = warmStart(subject, bench.thaw.store, log);
          recordPhases(
            bench,
            { measure: NAME, subject: subject.profile },
            await launchTraced(subject, start, round),
          );
        },
        (): Promise<void> => {
          const ms = Number(output(floor)) / 1e6;
          bench.recorder.add({ measure: NAME, subject: subject.profile, variant: 'floor' }, 'ms', ms);
          return Promise.resolve();
        },
      ]);
    }
  },
};

/** Launches with THAW_LOG=trace. @throws ThawError if the log holds no phases */
export async function launchTraced(subject: Subject, start: Start, n: number): Promise<Phases> {
  rmSync(start.log, { force: true });
  await firstAnswer(subject, withEnv(start, { THAW_LOG: 'trace' }), n);
  const phases = parsePhases(readFileSync(start.log, 'utf8'));
  if (phases !== undefined) return phases;
  throw new ThawError(`${subject.profile}: thaw-exec has printed no phases; see ${start.log}`);
}

export function recordPhases(
  bench: Bench,
  key: { readonly measure: string; readonly subject: string; readonly x?: number },
  phases: Phases,
): void {
  for (const phase of PHASES) bench.recorder.add({ ...key, variant: phase }, 'ms', phases[phase] / 1000);
  bench.recorder.add({ ...key, variant: 'resume' }, 'ms', untilResume(phases) / 1000);
}

/** As many calls of each kind as a launch of the image makes. */
export function floorCommand(image: Image, path: string): [string, ...string[]] {
  const mappings = image.processes.flatMap((process) => process.mappings);
  const ofFiles = mappings.filter(({ kind, storedPages }) => kind === 'file' || storedPages > 0).length;
  const threads = image.processes.reduce((sum, process) => sum + process.threads.length - 1, 0);
  const descriptors = image.processes.flatMap((process) => process.descriptors);
  const opens =
    descriptors.filter(({ kind }) => kind !== 'inherited').length +
    image.files.filter(({ mapped }) => mapped).length;
  const counts = {
    '--file': path,
    '--file-mappings': String(ofFiles),
    '--mappings': String(mappings.length - ofFiles),
    '--threads': String(threads),
    '--opens': String(opens),
  };
  return [benchProgram('floor'), ...Object.entries(counts).flat()];
}
