// What a launch is for.
import { exerciseUntilGood } from '../app/exercise.js';
import type { Setting } from '../app/setting.js';
import type { Definition } from '../definition/schema.js';
import { untilUp } from '../warmup/triggers/index.js';

const RETRY_MS = 1;

/** Waits until process `pid` has given its answer: it is up, and the commands of train.run succeed. */
export async function answer(
  { train, warmup }: Definition,
  pid: number,
  setting: Setting,
  signal: AbortSignal,
): Promise<void> {
  await untilUp(warmup.until, pid, RETRY_MS, signal);
  await exerciseUntilGood(train.run, setting, signal);
}
