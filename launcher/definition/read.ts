// Reads a profile's definition (TOML) and checks all of it before anything is started.
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'toml';

import { ThawError, messageOf } from '../errors.js';
import { type Trigger, below, takesArguments, triggerKinds } from '../warmup/triggers/index.js';
import {
  type Definition,
  type Launch,
  type Policy,
  type Train,
  type Warmup,
  policyActions,
  policyTypes,
} from './definition.js';
import { Source, Table } from './table.js';

const defaultSettleMs = 200;
const defaultTimeoutMs = 60_000;
const namePattern = /^[a-z0-9][a-z0-9._-]*$/;

/**
 * With `elsewhere`, paths are those of a device and are not looked up here; relative ones start at its root.
 * @throws ThawError that names the file, the line and the accepted values
 */
export function readDefinition(path: string, elsewhere = false): Definition {
  const file = resolve(path);
  const text = readText(file);
  const top = new Table(new Source(path, text), '', parseToml(path, text));
  const name = top.required('name');
  if (!namePattern.test(name))
    throw top.error(
      'name',
      `is "${name}"`,
      'accepted: lower-case letters, digits, ".", "_" and "-", the first a letter or digit',
    );
  const folder = elsewhere ? '/' : dirname(file);
  const cwd = findFolder(top, folder, elsewhere);
  const user = top.string('user');
  const warmup = readWarmup(top, cwd);
  const definition: Definition = {
    name,
    program: findProgram(top, folder, elsewhere),
    args: top.strings('args'),
    cwd,
    ...(user === undefined ? {} : { user }),
    env: readEnvironment(top),
    warmup,
    train: readTrain(top, warmup),
    launch: readLaunch(top, warmup.until),
    policies: top.tables('policies').map(readPolicy),
    file,
  };
  top.end();
  return definition;
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

function parseToml(path: string, text: string): Record<string, unknown> {
  try {
    return parse(text) as Record<string, unknown>;
  } catch (error) {
    const line = (error as { location?: { start?: { line?: number } } }).location?.start?.line;
    throw new ThawError(`${path}${line === undefined ? '' : `:${line}`}: ${messageOf(error)}`, {
      remedy: 'see https://toml.io for the format',
      cause: error,
    });
  }
}

/** Where the app starts: below the definition's folder, or that folder itself. */
function findFolder(top: Table, folder: string, elsewhere: boolean): string {
  const cwd = resolve(folder, top.string('cwd') ?? '.');
  if (elsewhere) return cwd;
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return cwd;
  throw top.error('cwd', `is ${cwd}, which is no folder`, 'make it, or correct the path');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Absolute, below the definition's folder, or looked up in PATH as a shell would. */
function findProgram(top: Table, folder: string, elsewhere: boolean): string {
  const program = top.required('program', 'a path, or a name to be looked up in PATH');
  if (elsewhere) return program.includes('/') ? resolve(folder, program) : program;
  if (program.includes('/')) {
    const path = resolve(folder, program);
    if (isExecutable(path)) return path;
    throw top.error('program', `is ${path}, which is no executable file`, 'install it, or correct the path');
  }
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((part) => join(part, program))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw top.error(
    'program',
    `is "${program}", which is not in PATH`,
    `install it, or name its path; PATH is ${process.env['PATH'] ?? ''}`,
  );
}

function readEnvironment(top: Table): Readonly<Record<string, string>> {
  const env = top.record('env');
  for (const key of Object.keys(env))
    if (key === '' || key.includes('='))
      throw top.error('env', `has the name "${key}"`, 'accepted: names without "="');
  return env;
}

function readWarmup(top: Table, cwd: string): Warmup {
  const warmup = top.table('warmup');
  const accepted = '[warmup] with until = { port = 8080 }, or another trigger';
  if (warmup === undefined) throw top.error('warmup', 'is missing', accepted);
  const until = warmup.inline('until');
  if (until === undefined) throw warmup.error('until', 'is missing', accepted);
  const result = {
    until: readTrigger(until, cwd),
    run: warmup.strings('run'),
    settleMs: warmup.duration('settle') ?? defaultSettleMs,
    timeoutMs: warmup.duration('timeout') ?? defaultTimeoutMs,
  };
  warmup.end();
  return result;
}

/** Without a section of its own, training exercises the app as warming it up did. */
function readTrain(top: Table, warmup: Warmup): Train {
  const train = top.table('train');
  if (train === undefined) return { run: warmup.run };
  const run = train.strings('run');
  train.end();
  return { run };
}

function readTrigger(table: Table, cwd: string): Trigger {
  const kinds = Object.entries(triggerKinds);
  const names = Object.keys(triggerKinds).join(', ');
  if (table.has('syscall')) throw table.error('syscall', 'is not supported yet', `accepted: one of ${names}`);
  const unknown = Object.keys(table.values).find((key) => !(key in triggerKinds));
  if (unknown !== undefined) throw table.error(unknown, 'is not known', `accepted here: ${names}`);
  const [first, second] = kinds.filter(([name]) => table.has(name));
  if (first === undefined) throw table.error('until', 'names no trigger', `accepted: one of ${names}`);
  if (second !== undefined)
    throw table.error('until', `names two triggers, ${first[0]} and ${second[0]}`, 'one of them is enough');
  return below(table.parsed<Trigger>(first[1].schema), cwd);
}

function readLaunch(top: Table, until: Trigger): Launch {
  const launch = top.table('launch');
  if (launch === undefined) return { args: 'exact', inherit: [] };
  const args = launch.oneOf('args', ['exact', 'deliver']) === 'deliver' ? 'deliver' : 'exact';
  if (args === 'deliver' && !takesArguments(until))
    throw launch.error(
      'args',
      'is "deliver", which the app must ask for',
      'set warmup.until = { call = true } and use thaw_argument() of native/include/thaw.h',
    );
  const inherit = launch.integers('inherit');
  const bad = inherit.find((number) => number < 3);
  if (bad !== undefined)
    throw launch.error('inherit', `names ${bad}`, 'accepted: 3 and above; 0, 1 and 2 are always inherited');
  launch.end();
  return { args, inherit };
}

function readPolicy(table: Table): Policy {
  const type = table.oneOf('type', policyTypes);
  const path = table.string('path');
  const action = table.oneOf('action', policyActions);
  if (action === undefined)
    throw table.error('action', 'is missing', `accepted: ${policyActions.join(', ')}`);
  if (action === 'append' && type !== undefined && type !== 'file')
    throw table.error('action', `is "append" for type "${type}"`, 'only files can be appended to');
  if (action === 'reconnect' && type !== undefined && type !== 'socket')
    throw table.error('action', `is "reconnect" for type "${type}"`, 'only sockets can be reconnected');
  table.end();
  return { ...(type === undefined ? {} : { type }), ...(path === undefined ? {} : { path }), action };
}
