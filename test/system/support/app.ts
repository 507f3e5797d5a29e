// Runs in an ARM guest: one app with its folder, started cold, checkpointed by the addon, launched by thaw-exec.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Addon } from '../../../launcher/engine/addon.js';
import type { Problem } from '../../../launcher/engine/answers.js';
import {
  BY_CHANCE,
  type CheckpointOptions,
  mostChances,
  mostUnlucky,
  skipStatus,
  unluckyStatus,
} from '../../engine/support/app.js';
import { descendantsOf, killAll } from '../../engine/support/tree.js';
import { PATIENCE_MS } from '../../patience.js';

export type { Problem };

/** thaw.node of a build folder. */
export function loadNative(build: string): Addon {
  return createRequire(import.meta.url)(join(build, 'thaw.node')) as Addon;
}

const readyMs = PATIENCE_MS;
const endMs = PATIENCE_MS;

/** What the engine throws carries a remedy (native/addon/addon.h), which commands tell below what is wrong. */
function told(error: unknown): string {
  const { message, remedy = '' } = error as Error & { readonly remedy?: string };
  return `${message}\n  ${remedy}\n`;
}

/** A process made by the addon: Node's own would have their ptrace stops reaped by libuv. */
class Running {
  readonly pid: number;
  readonly #errors: string;
  readonly exit: Promise<number | string>;
  ended = false;

  constructor(
    native: Addon,
    command: readonly string[],
    folder: string,
    what: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.#errors = join(folder, `${what}.err`);
    const files: [number, number, number] = [
      openSync('/dev/null', 'r'),
      openSync(join(folder, `${what}.out`), 'w'),
      openSync(this.#errors, 'w'),
    ];
    const all = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', THAW_LOG: 'info', ...env };
    this.pid = native.spawn({
      program: command[0] ?? '',
      args: command,
      env: Object.entries(all).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      stdio: files,
      setsid: true,
    });
    files.forEach(closeSync);
    this.exit = native.wait(this.pid).then(({ code, signal }) => {
      this.ended = true;
      return code ?? `signal ${signal ?? '?'}`;
    });
  }

  said(): string {
    return readFileSync(this.#errors, 'utf8').trim().replaceAll('\n', ' | ');
  }

  kill(): void {
    if (!this.ended) process.kill(this.pid, 'SIGKILL');
  }

  async end(): Promise<number | string> {
    const outcome = await Promise.race([this.exit, sleep(endMs, 'still running', { ref: false })]);
    this.kill();
    return outcome;
  }
}

export interface GuestAppOptions extends Omit<CheckpointOptions, 'leaveRunning'> {
  /** Folder below the work folder; default: the app's name. */
  readonly folder?: string;
  /** Program with its first arguments; default: build/<cpu>/apps/NAME. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Launched {
  /** Exit status, or `signal N`. */
  readonly exit: number | string;
  readonly said: string;
  /** From the call of thaw-exec until the app showed that it runs, in ms. */
  readonly readyMs: number;
}

/** An app whose folder, below `work`, also holds its image. The folder may be that of another boot. */
export class GuestApp {
  readonly #native: Addon;
  readonly folder: string;
  readonly #scratch: string;
  readonly #command: readonly string[];
  readonly image: string;

  constructor(
    readonly build: string,
    work: string,
    readonly name: string,
    readonly options: GuestAppOptions = {},
  ) {
    this.#native = loadNative(build);
    this.folder = join(work, options.folder ?? name);
    this.#scratch = join(this.folder, 'scratch');
    this.image = join(this.folder, 'app.thaw');
    this.#command = [
      ...(options.command ?? [join(build, 'apps', name)]),
      this.#status,
      this.#go,
      this.#scratch,
      ...(options.args ?? []),
    ];
  }

  get #status(): string {
    return join(this.#scratch, '.status');
  }

  get #go(): string {
    return join(this.folder, 'go');
  }

  #run(command: readonly string[], what: string, env: Readonly<Record<string, string>> = {}): Running {
    return new Running(this.#native, command, this.folder, what, env);
  }

  /** Starts the app in a fresh folder and writes its image. Empty: done; `SKIP reason`, or what went wrong. */
  async checkpoint(): Promise<string> {
    let problem = await this.#tryCheckpoint();
    // As `thaw build` does.
    for (let i = 0; i < mostChances && BY_CHANCE.test(problem); i++) problem = await this.#tryCheckpoint();
    return problem;
  }

  /** The app once its state stands, or what came of it. */
  async #start(): Promise<Running | string> {
    for (let i = 0; i < mostUnlucky; i++) {
      // `clean` closes what the driver leaves open.
      const cold = this.#run([join(this.build, 'apps', 'clean'), ...this.#command], 'cold', this.options.env);
      if (await this.#ready(cold)) return cold;
      const outcome = await cold.end();
      if (outcome === skipStatus) return `SKIP ${cold.said()}`;
      if (outcome !== unluckyStatus) return `cold start: ${outcome} ${cold.said()}`;
    }
    return 'SKIP no pid here is an unlikely number';
  }

  /** What a checkpoint that is refused says; `SKIP reason` where this machine has no such state; empty: it was taken. */
  async refusal(): Promise<string> {
    return (await this.#tryCheckpoint()).replace(/^checkpoint: /, '');
  }

  async #tryCheckpoint(): Promise<string> {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.#scratch, { recursive: true });
    chmodSync(this.folder, 0o755);
    const cold = await this.#start();
    if (typeof cold === 'string') return cold;
    await sleep(50); // The app may still be closing the status file.
    try {
      await this.#native.checkpoint({
        pid: cold.pid,
        image: this.image,
        leaveRunning: true, // Its end is the driver's: a checkpoint's kill could take the exit status first.
        policies: this.options.policies ?? [],
        program: '',
        args: [],
        env: [],
        cwd: '/',
        anyFolder: true,
        startedWith: [],
        environmentRule: 'image' as const,
        ignoredVariables: [],
        profile: '',
        deliver: false,
        inherit: [],
        guardsOff: this.options.guardsOff ?? [],
        pidNamespace: this.options.pidNamespace === true || this.options.userNamespace === true,
        userNamespace: this.options.userNamespace === true,
      });
    } catch (error) {
      return `checkpoint: ${told(error)}`;
    } finally {
      const others = descendantsOf(cold.pid);
      cold.kill();
      killAll(others);
      await cold.end();
    }
    return '';
  }

  /** Whether all memory of the app is mapped from the image, and guarded. */
  isGuarded(): boolean {
    return this.#native.show(this.image).processes.every(({ guards }) => guards);
  }

  /** What `thaw verify` says. */
  verify(): readonly Problem[] {
    return this.#native.verify(this.image, { data: false }).problems;
  }

  /** Launches the app from its image and lets it check itself. */
  async launch(
    flags: readonly string[] = ['--no-fallback'],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Launched> {
    rmSync(this.#status, { force: true });
    rmSync(this.#go, { force: true });
    const begin = performance.now();
    const launch = [join(this.build, 'thaw-exec'), '--image', this.image, ...flags, '--', ...this.#command];
    const warm = this.#run(launch, 'warm', env);
    await this.#ready(warm);
    const took = performance.now() - begin;
    writeFileSync(this.#go, '');
    const exit = await warm.end();
    // Boots of a guest are alike, and so are their pids: the next process has another one.
    if (/the very pid that the app had/.test(warm.said())) return this.launch(flags, env);
    return { exit, said: warm.said(), readyMs: took };
  }

  async #ready(running: Running): Promise<boolean> {
    const end = Date.now() + readyMs;
    while (!existsSync(this.#status) && !running.ended && Date.now() < end) await sleep(5);
    return existsSync(this.#status);
  }
}
