import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'toml';
import { callerAccount } from '../launcher/app/account.js';
import { minimalEnvironment } from '../launcher/app/setting.js';
import { Store } from '../launcher/store/store.js';
import type { Start } from './instance.js';
import { definitionPath, thawExec } from './paths.js';
import type { Subject } from './subjects.js';

/** @returns how to start a subject as anyone would: its program, with no thaw-exec */
export function coldStart(subject: Subject, log: string): Start {
  const { command, cwd, env } = commandOf(subject);
  return { command, cwd, env, port: subject.port, log };
}

/** @returns how to start a subject from its image. No fallback: a cold start here would be a failure that hides itself. */
export function warmStart(subject: Subject, store: string, log: string, program = thawExec): Start {
  const { command, cwd, env } = commandOf(subject);
  return {
    command: warmCommand(store, subject.profile, command, program),
    cwd,
    env,
    port: subject.port,
    log,
  };
}

/** The same image launched without a look at its inputs. */
export function uncomparedStart(subject: Subject, store: string, log: string): Start {
  const { command, cwd, env } = commandOf(subject);
  const image = new Store(store).current(subject.profile);
  const flags = ['--image', image, '--any-inputs', '--no-fallback'];
  return { command: [thawExec, ...flags, '--', ...command], cwd, env, port: subject.port, log };
}

/** The command that launches `command` from the image of a profile, or fails. */
export function warmCommand(
  store: string,
  profile: string,
  command: readonly string[],
  program = thawExec,
): readonly string[] {
  return [program, '--store', store, '--profile', profile, '--no-fallback', '--', ...command];
}

interface Definition {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a profile's definition starts its program. */
export function commandOf(
  subject: Pick<Subject, 'profile' | 'definition'>,
): Pick<Start, 'command' | 'cwd' | 'env'> {
  const path = subject.definition ?? definitionPath(subject.profile);
  const definition = parse(readFileSync(path, 'utf8')) as Definition;
  return {
    command: [definition.program, ...definition.args],
    cwd: resolve(dirname(path), definition.cwd ?? '.'),
    env: {
      ...minimalEnvironment(callerAccount()), // As at the build: another one would be another app.
      ...definition.env,
    },
  };
}
