import { execaSync } from 'execa';

import { ThawError } from '../launcher/errors.js';

const LINES = 4;

/** Runs a command to its end. @returns what it printed @throws ThawError with what it said, if it fails */
export function output(command: readonly [string, ...string[]], timeoutMs = 120_000): string {
  const [program, ...args] = command;
  const result = execaSync(program, args, { timeout: timeoutMs, reject: false, stripFinalNewline: false });
  if (!result.failed) return result.stdout;
  // Without an exit code there may be no output at all: it was not found, or took too long.
  const { exitCode, shortMessage } = result;
  const lines = exitCode === undefined ? '' : result.stderr.trim().split('\n').slice(-LINES).join('\n');
  throw new ThawError(`${command.join(' ').slice(0, 200)}: ${lines === '' ? shortMessage : lines}`);
}
