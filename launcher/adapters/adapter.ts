// What an adapter is: code in an app's runtime that puts right, in each launch, what the runtime has cached.
// docs/adapters.md tells how it and thaw talk to each other.
import type { Variables } from '../app/setting.js';

/** All that thaw has to know of the adapter of one runtime. Its code is native/adapters/<its name>/. */
export interface Adapter {
  /** Names of the runtime's program, as the last part of a path. */
  readonly program: RegExp;
  /** What makes the runtime load the code in `folder`: variables, in place of those that the app would have. */
  env(folder: string, env: Variables): Variables;
}
