// How a program of this project ends: its exit code, and what it says when something went wrong.
import { UsageError } from './errors.js';
import { errorReport } from './report.js';

const FAILURE = 1;
const USAGE = 2;

/** Sets the exit code to that of `work`, or explains why it failed; `name` is the program whose --help says more. */
export async function main(name: string, work: () => Promise<number>): Promise<void> {
  // A reader that has seen enough, as in `thaw show NAME | head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    // Not process.exit(): what is still on its way to a pipe would be cut off.
    process.exitCode = await work();
  } catch (error) {
    process.stderr.write(errorReport(error));
    process.exitCode = error instanceof UsageError ? USAGE : FAILURE;
    if (error instanceof UsageError) process.stderr.write(`  see ${name} --help\n`);
    else await record(error);
  }
}

/** Where a mistake of thaw itself happened helps, on request. Loaded when needed: it takes as long as a whole launch. */
async function record(error: unknown): Promise<void> {
  const { log } = await import('./log.js');
  log.debug({ err: error }, 'failed');
}
