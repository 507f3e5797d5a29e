// The commands that exercise an app.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

import { ThawError } from '../errors.js';
import { shellPath, withTools } from '../tools.js';
import type { Setting } from './setting.js';

const RETRY_MS = 50;

interface Outcome {
  readonly code: number | null;
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
  for (const command of commands)
    while ((await shell(command, setting, signal)).code !== 0)
      await setTimeout(RETRY_MS, undefined, { signal });
}

function failure(command: string, code: number | null, output: string): ThawError {
  const ending = code === null ? 'was killed' : `failed with exit code ${code}`;
  const said = output.trim() === '' ? '' : `:\n${output.trimEnd().replace(/^/gm, '  | ')}`;
  return new ThawError(`the command \`${command}\` ${ending}${said}`, {
    remedy: 'see warmup.run in the profile',
  });
}

async function shell(command: string, { env, cwd, account }: Setting, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const child = spawn(shellPath(), ['-c', command], {
    env: { ...env, PATH: withTools(env['PATH']) },
    cwd,
    detached: true, // A group of its own, which can be ended as a whole.
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(account.change === undefined ? {} : { uid: account.change.uid, gid: account.change.gid }),
  });
  let output = '';
  const collect = (text: Buffer): void => void (output += text.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
