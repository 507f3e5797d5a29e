// What a measure needs of the machine, and the machine has not.
import { ThawError, messageOf } from '../launcher/errors.js';
import type { Recorder } from './results.js';

export class LackingError extends ThawError {
  override readonly name = 'LackingError';
}

/** Sets a measure up. @throws LackingError saying that `what` is not possible here, and why */
export function setUp<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new LackingError(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** Does `work`, or leaves `what` out of the results where the machine cannot do it. Any other error is one of thaw's or of the bench's. */
export async function unlessLacking(
  recorder: Recorder,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LackingError)) throw error;
    recorder.leaveOut(what, messageOf(error));
  }
}
