// One build of several: what fails is told on stderr, and the next one goes on.
import type { Definition } from '../definition/schema.js';
import { ThawError, messageOf } from '../errors.js';
import { Progress } from '../progress.js';
import { errorReport } from '../report.js';
import { lastSteps } from '../store/history.js';
import type { Store } from '../store/store.js';
import { type BuildOptions, type Built, build } from './build.js';

export interface Attempt {
  readonly name: string;
  readonly ms: number;
  /** Where it went well. */
  readonly built?: Built;
  readonly error?: ThawError;
}

/** Builds the profile `name`; `definitionOf` may throw as well. */
export async function attempt(
  name: string,
  definitionOf: () => Definition,
  store: Store,
  options: Omit<BuildOptions, 'progress'>,
): Promise<Attempt> {
  const begin = performance.now();
  try {
    const progress = new Progress(name, { expected: lastSteps(store, name) });
    const built = await build(definitionOf(), store, { ...options, progress });
    return { name, ms: performance.now() - begin, built };
  } catch (error) {
    const told = error instanceof ThawError ? error : new ThawError(messageOf(error), { cause: error });
    process.stderr.write(errorReport(told));
    return { name, ms: performance.now() - begin, error: told };
  }
}
