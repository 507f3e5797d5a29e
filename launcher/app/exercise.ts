// The commands that exercise an app.
import { execa } from 'execa';
import { setTimeout } from 'node:timers/promises';

import { ThawError } from '../errors.js';
import { logOf, msSince } from '../log.js';
import type { Setting } from './setting.js';
import { shellPath, withTools } from './tools.js';

const RETRY_MS = 50;

const appLog = logOf('app');

export interface Outcome {
  /** undefined: a signal ended it. */
  readonly code: number | undefined;
  readonly output: string;
}

/** Runs the commands in order; each must succeed. @throws ThawError with the output of the one that did not */
export async function exercise(
  commands: readonly string[],
  setting: Setting,
  signal: AbortSignal,
): Promise<void> {
  for (const command of commands) {
    const { code, output } = await shell(command, setting, signal);
    if (code !== 0) throw failure(command, code, output);
  }
}

/** The same, but gives each command time until it succeeds: until `signal` is aborted. */
export async function exerciseUntilGood(
  commands: readonly string[],
  setting: Setting,
  signal: AbortSignal,
): Promise<void> {
  await answersOf(commands, setting, signal, () => true);
}

/** The same, for what the commands wrote; a failure is taken for a start under way as long as `untilGood` says so. */
export async function answersOf(
  commands: readonly string[],
  setting: Setting,
  signal: AbortSignal,
  untilGood: () => boolean,
): Promise<readonly Outcome[]> {
  const answers: Outcome[] = [];
  for (const command of commands) {
    let answer = await shell(command, setting, signal);
    while (answer.code !== 0 && untilGood()) {
      await setTimeout(RETRY_MS, undefined, { signal });
      answer = await shell(command, setting, signal);
    }
    answers.push(answer);
  }
  return answers;
}

function failure(command: string, code: number | undefined, output: string): ThawError {
  const ending = code === undefined ? 'was killed' : `failed with exit code ${code}`;
  const said = output.trim() === '' ? '' : `:\n${output.trimEnd().replace(/^/gm, '  | ')}`;
  return new ThawError(`the command \`${command}\` ${ending}${said}`, {
    remedy: 'see warmup.run in the profile',
  });
}

async function shell(command: string, { env, cwd, account }: Setting, stop: AbortSignal): Promise<Outcome> {
  stop.throwIfAborted();
  const begin = performance.now();
  const child = execa(shellPath(), ['-c', command], {
    env: { ...env, PATH: withTools(env['PATH']) },
    extendEnv: false,
    cwd,
    detached: true, // A group of its own, which can be ended as a whole.
    stdin: 'ignore',
    all: true,
    maxBuffer: Infinity,
    reject: false,
    ...(account.change === undefined ? {} : { uid: account.change.uid, gid: account.change.gid }),
  });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  };
  stop.addEventListener('abort', kill, { once: true });
  try {
    const { exitCode, signal, all, cause } = await child;
    if (exitCode === undefined && signal === undefined) throw cause;
    appLog.debug({ command, code: exitCode, signal, ms: msSince(begin) }, 'exercised');
    appLog.trace({ command, output: all }, 'what it wrote');
    return { code: exitCode, output: all };
  } finally {
    stop.removeEventListener('abort', kill);
  }
}
