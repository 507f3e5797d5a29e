// Ctrl-C and its like during long work.
import { ThawError } from './errors.js';
import { log } from './log.js';
import { errorReport } from './report.js';

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export interface Interruption {
  /** Aborted by the first of the signals. */
  readonly signal: AbortSignal;
  /** The exit code of a command that was ended that way, as shells count it; undefined: it was not. */
  exitCode(): number | undefined;
}

/** Signals end the work, and with it all processes that it started; a second one ends this process. */
export function interruptible(): Interruption {
  const controller = new AbortController();
  let code: number | undefined;
  for (const [name, number] of Object.entries(SIGNALS))
    // Not `once`: a library that listens too would then find itself alone, and end the process before its clean-up.
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.removeAllListeners(name);
        process.kill(process.pid, name);
      }
      log.warn({ signal: name }, 'interrupted');
      code = 128 + number;
      controller.abort(new ThawError(`interrupted by ${name}`));
    });
  return { signal: controller.signal, exitCode: () => code };
}

/** Does a command's long work, which signals may end. @returns its exit code, or that of the signal */
export async function interruptibly(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interruption = interruptible();
  try {
    return await work(interruption.signal);
  } catch (error) {
    const interrupted = interruption.exitCode();
    if (interrupted === undefined) throw error;
    process.stderr.write(errorReport(error));
    return interrupted;
  }
}
