// A test app (test/apps) under a driver: started, checkpointed by the public command, launched from its image.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { PATIENCE_MS } from '../../patience.js';
import type { Identity } from './identity.js';
import { apps, cli, thawExec, workFolder } from './paths.js';
import { type Options, type Outcome, Running, run, until } from './process.js';
import { killAll, processesOf } from './tree.js';

export const skipStatus = 77;
/** Of an app of several processes whose own pid is no unlikely number (test/apps/tree.h). */
export const unluckyStatus = 78;
export const mostUnlucky = 60;
/** What a checkpoint says of a number that equals a pid by chance; another start has others. */
export const BY_CHANCE = /build again \(thaw build\): other pids are chosen/;
export const mostChances = 3;

export const checkpointer = join(dirname(fileURLToPath(import.meta.url)), 'checkpointer.js');

export class Skipped extends Error {}

export interface Policy {
  readonly type?: string;
  readonly path?: string;
  readonly action: string;
}

export interface CheckpointOptions {
  readonly leaveRunning?: boolean;
  readonly guardsOff?: readonly string[];
  readonly policies?: readonly Policy[];
  readonly pidNamespace?: boolean;
  readonly userNamespace?: boolean;
}

export interface LaunchOptions {
  /** Options of thaw-exec before the program; default `--no-fallback`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly timeout?: number;
  /** Command that runs thaw-exec, such as `nice -n 5`. */
  readonly wrapper?: readonly string[];
  /** The program instead of the app, or other arguments. */
  readonly command?: readonly string[];
}

export interface AppOptions {
  readonly args?: readonly string[];
  /** Path of the program instead of build/<cpu>/apps/NAME. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A policy as an option: `type=file,path=*.log,action=append`. */
function policyOption(policy: Policy): string {
  return Object.entries(policy)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/**
 * Apps with a System V object that outlives them. It knows by pid who has used it last: an app that has that pid later would be
 * refused.
 */
const KEEPS_IPC: Readonly<Record<string, string>> = {
  ipc_sem: '--semaphore-key',
  ipc_undo: '--semaphore-key',
  tree_sem: '--semaphore-key',
  ipc_msg: '--queue-key',
};

let outputs = 0;

/** One app in a folder of its own, which also holds its images. */
export class App {
  readonly folder: string;
  readonly scratch: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly #name: string;
  readonly #identity: Identity;
  readonly #options: AppOptions;
  #running: Running | undefined;
  readonly #launched: Running[] = [];

  constructor(name: string, identity: Identity, options: AppOptions = {}) {
    this.#name = name;
    this.#identity = identity;
    this.#options = options;
    this.folder = mkdtempSync(join(workFolder('apps'), `${name}-`));
    this.scratch = mkdtempSync(join(this.folder, 's-'));
    this.image = join(this.folder, 'app.thaw');
    for (const folder of [this.folder, this.scratch]) {
      if (process.getuid?.() === 0) chownSync(folder, identity.uid, identity.uid);
      chmodSync(folder, 0o755);
    }
    const program = options.program ?? join(apps, name);
    this.command = [program, this.status, this.go, this.scratch, ...(options.args ?? [])];
  }

  get status(): string {
    return join(this.scratch, '.status');
  }

  get go(): string {
    return join(this.folder, 'go');
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error('the app was not started');
    return this.#running;
  }

  /** Where the next process's output goes. */
  #output(what: string): string {
    return join(this.folder, `${what}-${outputs++}`);
  }

  #start(command: readonly string[], options: Partial<Options> & { what: string }): Running {
    return new Running([...this.#identity.prefix, ...command], {
      ...options,
      output: this.#output(options.what),
    });
  }

  /** Runs `command` as the app's user, to its end. */
  async runAs(command: readonly string[], options: Partial<Options> = {}): Promise<Outcome> {
    return run([...this.#identity.prefix, ...command], { ...options, output: this.#output('command') });
  }

  /** Starts the app cold and waits until its state stands. Throws Skipped when this kernel cannot hold it. */
  async start(): Promise<void> {
    for (let i = 0; i < mostUnlucky; i++) {
      this.#begin();
      if (await this.#ready(this.running)) return;
    }
    throw new Skipped('no pid here is an unlikely number');
  }

  #begin(): void {
    rmSync(this.status, { force: true });
    this.#running = this.#start(this.command, {
      what: 'cold',
      timeout: 600_000,
      ...(this.#options.env === undefined ? {} : { env: this.#options.env }),
    });
  }

  /** False if it is to be started again. */
  async #ready(running: Running): Promise<boolean> {
    await until('the app to be ready', () => existsSync(this.status) || running.ended);
    if (existsSync(this.status)) return true;
    const outcome = await running.outcome;
    if (outcome.code === unluckyStatus) return false;
    if (outcome.code === skipStatus) throw new Skipped(outcome.stderr.trim());
    throw new Error(`the app ended before it was ready: ${JSON.stringify(outcome)}`);
  }

  /** `thaw checkpoint` of `pid` (default: the app that start() started), as it ended. */
  async tryCheckpoint(
    options: CheckpointOptions = {},
    image = this.image,
    pid = this.running.pid,
  ): Promise<Outcome> {
    const command = [process.execPath, cli, 'checkpoint', '--pid', String(pid), '--image', image];
    if (options.leaveRunning === true) command.push('--leave-running');
    if (options.pidNamespace === true) command.push('--pid-namespace');
    if (options.userNamespace === true) command.push('--user-namespace');
    if (options.guardsOff !== undefined) command.push('--guards-off', options.guardsOff.join(','));
    for (const policy of options.policies ?? []) command.push('--policy', policyOption(policy));
    return this.runAs(command);
  }

  /** Checkpoints the app, which was started in `cwd`, through the addon. */
  async checkpointStartedIn(cwd: string): Promise<void> {
    const outcome = await this.runAs([
      process.execPath,
      checkpointer,
      String(this.running.pid),
      this.image,
      cwd,
    ]);
    if (outcome.code !== 0)
      throw new Error(`the checkpoint failed (${outcome.code ?? outcome.signal}):\n${outcome.stderr}`);
    this.running.kill();
    await this.running.outcome;
  }

  /** Checkpoints the app and, unless it is left running, waits for its end. */
  async checkpoint(options: CheckpointOptions = {}, image = this.image): Promise<void> {
    let outcome = await this.tryCheckpoint(options, image);
    // As `thaw build` does.
    for (let i = 0; i < mostChances && BY_CHANCE.test(outcome.stderr); i++) {
      this.#killAll([this.running]);
      await this.running.outcome;
      await this.start();
      outcome = await this.tryCheckpoint(options, image);
    }
    if (outcome.code !== 0)
      throw new Error(`thaw checkpoint failed (${outcome.code ?? outcome.signal}):\n${outcome.stderr}`);
    if (options.leaveRunning !== true) await this.running.outcome;
  }

  /** Lets the app (and all that is launched from now on) check its state. `lines` are what it shall expect or do. */
  release(lines: readonly string[] = []): void {
    // The file must be whole at once: the app looks for it all the time.
    const aside = `${this.go}.new`;
    writeFileSync(aside, lines.map((line) => `${line}\n`).join(''));
    chmodSync(aside, 0o644);
    renameSync(aside, this.go);
  }

  /** From now on a launched app waits again. */
  hold(): void {
    rmSync(this.go, { force: true });
  }

  /** Starts a launch from `image`; the process that becomes the app. */
  launch(options: LaunchOptions = {}, image = this.image): Running {
    const flags = options.flags ?? ['--no-fallback'];
    const command = [
      ...(options.wrapper ?? []),
      thawExec,
      '--image',
      image,
      ...flags,
      '--',
      ...(options.command ?? this.command),
    ];
    const running = this.#start(command, {
      what: 'launch',
      timeout: options.timeout ?? PATIENCE_MS,
      ...pick(options),
    });
    this.#launched.push(running);
    return running;
  }

  /** A launch whose app waits for go(), once it is there. */
  async launchAndHold(options: LaunchOptions = {}, image = this.image): Promise<Running> {
    rmSync(this.status, { force: true });
    const running = this.launch(options, image);
    await until('the restored app to run', () => existsSync(this.status) || running.ended);
    if (!existsSync(this.status))
      throw new Error(`the restored app ended: ${JSON.stringify(await running.outcome)}`);
    return running;
  }

  /** Waits until a launched app has made the status file again. */
  async restored(): Promise<void> {
    await until('a restored app to run', () => existsSync(this.status));
  }

  /** Ends what still runs and removes the folder; after a failed test keep it with THAW_TEST_KEEP=1. */
  async end(): Promise<void> {
    this.#killAll([...(this.#running === undefined ? [] : [this.#running]), ...this.#launched]);
    await Promise.allSettled([this.#running?.outcome, ...this.#launched.map((running) => running.outcome)]);
    this.#removeIpc();
    if (process.env['THAW_TEST_KEEP'] === undefined) rmSync(this.folder, { recursive: true, force: true });
  }

  /** The app's program knows the key (test/apps/ipc_key.h). */
  #removeIpc(): void {
    const option = KEEPS_IPC[this.#name];
    if (option === undefined) return;
    const key = Number.parseInt(this.#options.args?.[0] ?? '0', 16) + this.#identity.uid;
    spawnSync('ipcrm', [option, `0x${key.toString(16)}`]);
  }

  /** The processes, and those that they have made: stopped ones and leaders of sessions do not end with their parents. */
  #killAll(roots: readonly Running[]): void {
    for (const running of roots) running.kill();
    killAll(processesOf(this.folder).map((line) => Number.parseInt(line, 10)));
  }

  /** Lets a user other than the app's write its status. */
  openScratch(): void {
    chmodSync(this.scratch, 0o777);
    rmSync(this.status, { force: true });
  }

  removeImage(image = this.image): void {
    unlinkSync(image);
  }
}

function pick(options: LaunchOptions): Partial<Options> {
  return {
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  };
}
