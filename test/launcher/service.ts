// Apps of these tests that say "ready" and run until SIGTERM.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { thawExec } from '../engine/support/paths.js';
import { type Workshop, builtWith } from './support.js';

export interface Service {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** More of its `[warmup]`. */
  readonly warmup?: string;
  /** More tables. */
  readonly more?: string;
}

/** Writes its profile. @returns the path */
export function writeService(
  workshop: Workshop,
  { name, program, args, warmup = '', more = '' }: Service,
): string {
  return workshop.write(
    `${name}.toml`,
    `name = "${name}"
program = "${program}"
args = ${JSON.stringify(args)}
[warmup]
until = { log = "ready" }
${warmup}
[prove]
run = []
${more}
`,
  );
}

/** A warm launch of it, which goes on. */
export function launchService(
  workshop: Workshop,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(thawExec, ['--no-fallback', '--store', workshop.store, '--', program, ...args], {
    cwd: workshop.folder,
    env: { ...builtWith, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** SIGTERM, and what came of it. */
export async function endService(
  running: ChildProcess,
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  let stdout = '';
  running.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
  running.kill('SIGTERM');
  await once(running, 'close');
  return { code: running.exitCode, stdout };
}
