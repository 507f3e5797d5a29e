// The app under thaw's hands: started in a session of its own, so that all of it can be ended.
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { ThawError, messageOf } from '../errors.js';
import { type Exit, type FaultRecorder, type InputWatch, environmentList, native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import type { Setting } from './setting.js';

/** What an app gets to end by itself. */
const GRACE_MS = 5000;

const appLog = logOf('app');

export class App {
  readonly pid: number;
  readonly exit: Promise<Exit>;
  readonly #kept: boolean;
  #ended = false;

  /** Starts `command` with stdin from /dev/null, or open, or a terminal, its output in `log`, under `watchers`. @throws ThawError */
  constructor(
    command: readonly [string, ...string[]],
    setting: Setting,
    readonly log: string,
    watchers: Watchers = {},
  ) {
    const begin = performance.now();
    const pid = start(command, setting, log, watchers);
    const [program, ...args] = command;
    const { cwd, account } = setting;
    appLog.debug({ pid, program, args, cwd, user: account.name, output: log }, 'spawned');
    this.pid = pid;
    this.#kept = setting.kept === true;
    this.exit = native.wait(pid).then(
      (exit) => {
        this.#ended = true;
        appLog.debug({ pid, ...exit, ms: msSince(begin) }, 'exited');
        return exit;
      },
      // A checkpoint that ends the process may take its exit status before we do.
      () => ({ code: null, signal: null }),
    );
  }

  /** Asks the app to end, gives it `limitMs` to put its files in order, and ends all that is left of it. */
  async end(limitMs = GRACE_MS): Promise<Ending> {
    const begin = performance.now();
    if (!this.#ended) {
      try {
        process.kill(this.pid, 'SIGTERM');
      } catch {
        // It has just ended.
      }
    }
    const stop = new AbortController();
    const { signal } = stop;
    const over = setTimeout(limitMs, undefined, { signal }).catch(() => undefined);
    const exit = await Promise.race([this.exit, over]);
    stop.abort();
    const ms = performance.now() - begin;
    await this.kill();
    return { exit, ms };
  }

  /** Ends the process with all that it started, as it stands. */
  async kill(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nothing is left of the group.
    }
    if (this.#kept) await native.end(this.pid);
    await this.exit;
  }

  /**
   * Does `work` as long as the app lives, `interrupt` is not asked for and the time is not over. The signal that
   * `work` gets is aborted in each of these cases. @throws ThawError saying which
   */
  async during<T>(work: (signal: AbortSignal) => Promise<T>, limits: Limits): Promise<T> {
    const stop = new AbortController();
    const { what, timeoutMs, interrupt } = limits;
    const timer = globalThis.setTimeout(() => {
      stop.abort(new ThawError(`${what}: not done after ${timeoutMs / 1000} s`, { remedy: limits.remedy }));
    }, timeoutMs);
    void this.exit.then((exit) => {
      stop.abort(new ThawError(`${what}: the app ended (${exitText(exit)})`));
    });
    const signal = stop.signal;
    const pass = (): void => {
      stop.abort(interrupt.reason);
    };
    if (interrupt.aborted) pass();
    interrupt.addEventListener('abort', pass, { once: true });
    try {
      return await Promise.race([work(signal), aborted(signal)]);
    } catch (error) {
      // Whatever the work made of the abortion, the reason is what helps.
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      interrupt.removeEventListener('abort', pass);
      stop.abort();
    }
  }
}

/** How an app ended when it was asked to (SIGTERM). */
export interface Ending {
  /** undefined: it did not within the time. */
  readonly exit: Exit | undefined;
  readonly ms: number;
}

/** What records how the app uses its memory or files. */
export interface Watchers {
  readonly faults?: FaultRecorder;
  readonly inputs?: InputWatch;
}

export interface Limits {
  readonly what: string;
  readonly timeoutMs: number;
  readonly interrupt: AbortSignal;
  /** What helps when the time is over. */
  readonly remedy?: string;
}

function start(
  command: readonly [string, ...string[]],
  { env, cwd, account, freshClocks, kept, unusualPid, largePid, watchLookups, openInput, terminal }: Setting,
  log: string,
  watchers: Watchers,
): number {
  const stdin = openSync('/dev/null', 'r');
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_APPEND } = constants;
  // What an app writes may be as secret as its memory.
  const output = openSync(log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_APPEND, 0o600);
  // Opened twice: what the app does to one (O_NONBLOCK) is not done to the other.
  const errors = openSync(log, O_WRONLY | O_NOFOLLOW | O_APPEND);
  try {
    return native.spawn({
      program: command[0],
      args: command,
      env: environmentList(env),
      cwd,
      ...(account.change === undefined ? {} : { user: account.change }),
      stdio: [stdin, output, errors],
      setsid: true,
      freshClocks: freshClocks === true,
      kept: kept === true,
      unusualPid: unusualPid === true,
      largePid: largePid === true,
      watchLookups: watchLookups === true,
      openInput: kept === true && openInput === true,
      terminal: terminal === true,
      ...watchers,
    });
  } finally {
    closeSync(stdin);
    closeSync(output);
    closeSync(errors);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new ThawError(messageOf(signal.reason)));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

export function exitText({ code, signal }: Exit): string {
  if (code !== null) return `exit code ${code}`;
  return signal === null ? 'killed' : `signal ${signal}`;
}
