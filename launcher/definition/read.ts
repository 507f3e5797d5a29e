// Reads a profile's definition (TOML) and checks all of it before anything is started.
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'toml';
import * as v from 'valibot';

import { ThawError, messageOf } from '../errors.js';
import { below } from '../warmup/triggers/index.js';
import { complaintOf } from './issue.js';
import { type Path, lineOf } from './lines.js';
import type { Complaint } from './rule.js';
import { type Definition, profile } from './schema.js';

/**
 * With `elsewhere`, paths are those of a device and are not looked up here; relative ones start at its root.
 * @throws ThawError that names the file, the line and the accepted values
 */
export function readDefinition(path: string, elsewhere = false): Definition {
  const file = resolve(path);
  const text = readText(file);
  const complain = (complaint: Complaint): ThawError => complaintError(path, text, complaint);
  const result = v.safeParse(profile, parseToml(path, text));
  if (!result.success) throw complain(complaintOf(profile, result.issues));
  const { output } = result;
  const folder = elsewhere ? '/' : dirname(file);
  const cwd = resolve(folder, output.cwd);
  if (!elsewhere) expectFolder(cwd, complain);
  return {
    ...output,
    cwd,
    program: elsewhere ? devicePath(output.program) : findProgram(output.program, folder, complain),
    warmup: { ...output.warmup, until: below(output.warmup.until, cwd) },
    inputs: {
      ...output.inputs,
      ignore: output.inputs.ignore.map((pattern) => patternBelow(cwd, pattern)),
      add: output.inputs.add.map((pattern) => patternBelow(cwd, pattern)),
    },
    file,
  };
}

/** A pattern that begins with a star matches below any folder. */
function patternBelow(folder: string, pattern: string): string {
  return pattern.startsWith('*') ? pattern : resolve(folder, pattern);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ThawError(`cannot read ${file}: ${messageOf(error)}`, {
      remedy: 'name a profile definition (TOML)',
    });
  }
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    const line = lineOfProblem(error);
    throw new ThawError(`${path}${line === undefined ? '' : `:${line}`}: ${messageOf(error)}`, {
      remedy: 'see https://toml.io for the format',
      cause: error,
    });
  }
}

/** Mistakes in writing have a location, keys that are set twice a line. */
function lineOfProblem(error: unknown): number | undefined {
  const { line, location } = error as { line?: number; location?: { start?: { line?: number } } };
  return location?.start?.line ?? line;
}

function complaintError(file: string, text: string, { path, what, remedy }: Complaint): ThawError {
  const line = lineOf(text, path);
  const place = line === undefined ? file : `${file}:${line}`;
  return new ThawError(`${place}: ${pathText(path)} ${what}`, { remedy });
}

/** As in `policies[1].action`. */
function pathText(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[\w-]+$/.test(key) ? `.${key}` : `.${JSON.stringify(key)}`;
  });
  return parts.join('').replace(/^\./, '');
}

type Complain = (complaint: Complaint) => ThawError;

function expectFolder(cwd: string, complain: Complain): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw complain({
    path: ['cwd'],
    what: `is ${cwd}, which is no folder`,
    remedy: 'make it, or correct the path',
  });
}

/** Names without a slash are looked up on the device. */
function devicePath(program: string): string {
  return program.includes('/') ? resolve('/', program) : program;
}

/** Absolute, below the definition's folder, or looked up in PATH as a shell would. */
function findProgram(program: string, folder: string, complain: Complain): string {
  const problem = (what: string, remedy: string): ThawError => complain({ path: ['program'], what, remedy });
  if (program.includes('/')) {
    const path = resolve(folder, program);
    if (isExecutable(path)) return path;
    throw problem(`is ${path}, which is no executable file`, 'install it, or correct the path');
  }
  const path = process.env['PATH'] ?? '';
  const found = path
    .split(delimiter)
    .map((part) => join(part, program))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw problem(`is "${program}", which is not in PATH`, `install it, or name its path; PATH is ${path}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
