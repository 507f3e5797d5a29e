import { spawnSync } from 'node:child_process';

import { ThawError } from '../launcher/errors.js';

/** Runs a command to its end. @returns what it printed @throws ThawError with what it said, if it fails */
export function output(command: readonly [string, ...string[]], timeoutMs = 120_000): string {
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
  });
  if (status === 0) return stdout;
  const said = error === undefined ? stderr.trim().split('\n').slice(-4).join('\n') : error.message;
  throw new ThawError(`${command.join(' ').slice(0, 200)}: ${said === '' ? 'failed' : said}`);
}
