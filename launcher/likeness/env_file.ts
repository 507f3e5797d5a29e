// Environments in files: what `env` prints, what /proc/PID/environ holds, and systemd's environment files.
import { readFileSync } from 'node:fs';

import type { Variables } from '../app/setting.js';
import { ThawError, messageOf } from '../errors.js';
import { unquoted } from '../systemd/words.js';

/** The variables of a file: lines `NAME=value` (systemd.exec(5), EnvironmentFile=), or such strings each with a NUL. @throws ThawError */
export function readEnvironmentFile(path: string): Variables {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ThawError(`cannot read the environment in ${path}: ${messageOf(error)}`);
  }
  return text.includes('\0') ? variablesOf(text.split('\0')) : variablesOf(assignments(text));
}

/** What stands in no assignment is left out, as systemd does. */
export function variablesOf(entries: readonly string[]): Variables {
  const pairs = entries.flatMap((entry) => {
    const [, name, value] = /^([^=\0]+)=([^]*)$/.exec(entry) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}

/** A backslash at the end of a line goes on in the next one; comments begin with # or ;. */
function assignments(text: string): string[] {
  return text
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line))
    .map((line) => line.replace(/^export\s+/, ''))
    .flatMap((line) => {
      const [, name, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [`${name}=${unquoted(value)}`];
    });
}
