// What an app wrote, where it explains an error.
import { readFileSync } from 'node:fs';

import { ThawError, messageOf } from '../errors.js';

const LINES = 10;

/** An error of work on profile `name`, with the end of what its app wrote to `log`. */
export function explained(name: string, log: string, error: unknown): ThawError {
  const lines = lastLines(log);
  const output = lines.length === 0 ? '' : `\n  ${log}:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
  const remedy = error instanceof ThawError ? error.remedy : undefined;
  return new ThawError(`${name}: ${messageOf(error)}${output}`, { remedy, cause: error });
}

function lastLines(log: string): string[] {
  try {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    return lines.slice(-LINES).filter((line) => line !== '');
  } catch {
    return [];
  }
}
