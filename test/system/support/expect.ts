// What the tests of images that go from boot to boot have in common.
import type { ExecutionContext } from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Step, StepOutcome } from './steps.js';

/** A step without what is done in it. */
export type Case = Omit<Step, 'do'>;

/** The same for each case. */
export const each = (what: Step['do'], cases: readonly Case[]): Step[] =>
  cases.map((one) => ({ do: what, ...one }));

/** A file for --data that is gone afterwards. */
export async function withData(work: (data: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-test-data-'));
  try {
    await work(join(folder, 'data'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Checkpoints that were made, launches that verify found good and whose apps found all as it was. */
export function expectRight(
  t: ExecutionContext,
  where: string,
  outcomes: readonly (StepOutcome | undefined)[],
): void {
  for (const [i, outcome] of outcomes.entries()) {
    const { problem, verify, exit, said } = outcome ?? { problem: 'it was not done' };
    const about = `${where}, step ${i}: ${problem ?? ''} ${said ?? ''}`;
    if (exit === undefined) {
      t.is(problem, '', about);
      continue;
    }
    t.deepEqual(verify, [], about);
    t.is(exit, 0, about);
  }
}

/** The app started cold and worked; `thaw verify` and THAW_LOG=info named the reason. */
export function expectCold(
  t: ExecutionContext,
  where: string,
  outcome: StepOutcome | undefined,
  condition: string,
  reason: RegExp,
): void {
  const { problem, verify = [], exit, said = '' } = outcome ?? {};
  const about = `${where}: ${problem ?? ''} ${said}`;
  t.is(exit, 0, about);
  t.regex(said, reason, about);
  t.regex(said, /starting cold/, about);
  const named = verify.find((one) => one.condition === condition);
  t.truthy(named, `${about}; verify: ${JSON.stringify(verify)}`);
  t.regex(`${named?.what ?? ''}; ${named?.remedy ?? ''}`, reason, about);
  t.not(named?.remedy, '', about);
}
