// Child processes of tests: their output goes to files, so that no pipe of ours is part of an app's state.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { PATIENCE_MS } from '../../patience.js';
import { apps } from './paths.js';

export { sleep };

const clean = join(apps, 'clean');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  /** Path that `.out` and `.err` are appended to. */
  readonly output: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File that becomes descriptor 0; default /dev/null. */
  readonly stdin?: string;
  /** Milliseconds until the process is killed and the test fails; default 30,000. */
  readonly timeout?: number;
}

/** The environment of every process that a test starts, and nothing else. */
export const baseEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LC_ALL: 'C',
};

/** What the kernel says of a process, for the message when it hangs. */
function describe(pid: number): string {
  const parts = ['status', 'wchan', 'syscall', 'cmdline'].map((name) => {
    try {
      const text = readFileSync(`/proc/${pid}/${name}`, 'latin1').replaceAll('\0', ' ');
      return name === 'status'
        ? (text.match(/^(Name|State|TracerPid|Threads|Sig.*|Shd.*):.*$/gm) ?? []).join('; ')
        : `${name}: ${text}`;
    } catch {
      return `${name}: gone`;
    }
  });
  return parts.join('\n');
}

export class Running {
  readonly pid: number;
  readonly outcome: Promise<Outcome>;
  ended = false;
  readonly #child: ChildProcess;
  readonly #output: string;

  constructor(command: readonly string[], options: Options) {
    this.#output = options.output;
    const files = [
      openSync(options.stdin ?? '/dev/null', 'r'),
      openSync(`${options.output}.out`, 'w'),
      openSync(`${options.output}.err`, 'w'),
    ];
    this.#child = spawn(clean, command, {
      stdio: files,
      detached: true,
      cwd: options.cwd ?? '/',
      env: { ...baseEnvironment, ...options.env },
    });
    for (const file of files) closeSync(file);
    this.pid = this.#child.pid ?? -1;
    this.outcome = this.#await(command, options.timeout ?? PATIENCE_MS);
    // A test that fails before it looks at the outcome must not fail twice.
    this.outcome.catch(() => undefined);
  }

  get stdout(): string {
    return readFileSync(`${this.#output}.out`, 'utf8');
  }

  get stderr(): string {
    return readFileSync(`${this.#output}.err`, 'utf8');
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.ended) this.#child.kill(signal);
  }

  #await(command: readonly string[], timeout: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let hung: string | undefined;
      const timer = setTimeout(() => {
        hung = describe(this.pid);
        this.#child.kill('SIGKILL');
      }, timeout);
      this.#child.once('error', (error) => {
        clearTimeout(timer);
        this.ended = true;
        reject(error);
      });
      this.#child.once('exit', (code, signal) => {
        clearTimeout(timer);
        this.ended = true;
        if (hung === undefined) resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        else
          reject(new Error(`${command.join(' ')}\nran longer than ${timeout} ms:\n${hung}\n${this.stderr}`));
      });
    });
  }
}

/** Runs a command to its end. */
export function run(command: readonly string[], options: Options): Promise<Outcome> {
  return new Running(command, options).outcome;
}

/** Waits until `condition` holds; throws with `what` after `timeout` milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`);
    await sleep(3);
  }
}
