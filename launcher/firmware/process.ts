// Programs of the build machine: QEMU's script, file system tools.
import { execa } from 'execa';

import { ThawError } from '../errors.js';
import { logOf, msSince } from '../log.js';

const LINES = 10;

const firmwareLog = logOf('firmware');

/** Runs a program. @returns what it printed @throws ThawError with what it said, or which package has it */
export async function runTool(program: string, args: readonly string[], input = ''): Promise<string> {
  const begin = performance.now();
  // Without execa's own handlers of signals: interruption.ts has them, and ends the work with its clean-up.
  const result = await execa(program, args, { input, reject: false, cleanup: false, maxBuffer: Infinity });
  const { exitCode: code, signal } = result;
  firmwareLog.debug({ program, args, code, signal, ms: msSince(begin) }, 'tool ended');
  firmwareLog.trace({ program, output: result.stdout, errors: result.stderr }, 'what it wrote');
  if (!result.failed) return result.stdout;
  expectStarted(program, result);
  const said = result.stderr.trim() === '' ? result.stdout : result.stderr;
  throw new ThawError(`${program} failed:\n  | ${said.trimEnd().split('\n').slice(-LINES).join('\n  | ')}`);
}

/** What execa tells of a program that has ended, or that could not be started. */
interface Ending {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly cause?: unknown;
}

/** @throws ThawError which package has it, when the program could not be started */
export function expectStarted(program: string, { exitCode, signal, cause }: Ending): void {
  if (exitCode !== undefined || signal !== undefined) return;
  throw new ThawError(`cannot run ${program}`, {
    remedy: 'cross/setup.sh installs what building for a device needs',
    cause,
  });
}
