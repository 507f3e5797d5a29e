// What an adapter is: code in an app's runtime that puts right, in each launch, what the runtime has cached.
// docs/adapters.md tells how it and thaw talk to each other.
import type { Variables } from '../app/setting.js';

/** All that thaw has to know of the adapter of one runtime. */
export interface Adapter {
  /** Names of the runtime's program, as the last part of a path. */
  readonly program: RegExp;
  /** Its code is compiled, into build/<cpu>/<its name>/; else it is native/adapters/<its name>/. */
  readonly built?: true;
  /** The app's own call for the checkpoint (`until = { call = true }`) is the adapter's, too. */
  readonly calls?: true;
  /** How long it may take to answer, with the app's hooks; by default 5 s. */
  readonly answerMs?: number;
  /** Its work leaves the runtime something to tidy up: the app is left alone once more, as warmup.settle says. */
  readonly settles?: true;
  /** What the runtime looks at without minding what is there: no inputs. */
  readonly noise?: readonly string[];
  /** What makes the runtime load the code in `folder`: variables, in place of those that the app would have. */
  env(folder: string, env: Variables): Variables;
}
