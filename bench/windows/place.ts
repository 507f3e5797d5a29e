// A profile with a window, on a compositor of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { benchProgram, definitionPath, root, thawExec } from '../paths.js';
import { commandOf, warmCommand } from '../start.js';
import { Thaw } from '../thaw.js';
import { until } from '../until.js';
import { Compositor } from './compositor.js';
import { SessionBus } from './session_bus.js';

/** Where the profiles have their compositor. */
const EVERYWHERE = '/run/kiosk';

type How = 'warm' | 'cold' | 'or cold';

/** One that runs. */
export class Window {
  output = '';
  readonly ended: Promise<unknown>;

  constructor(
    readonly process: ChildProcess,
    readonly compositor: Compositor,
    readonly stamp: string,
  ) {
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    this.ended = once(process, 'close');
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** When it was executed and when it was shown, in ns of CLOCK_MONOTONIC. */
  async times(): Promise<{ readonly exec: number; readonly shown: number }> {
    const shown = await this.compositor.shown(this.pid);
    return { exec: Number(readFileSync(this.stamp, 'utf8')), shown };
  }

  /** @throws Error with all that it has said, if it does not say that. */
  async says(text: RegExp): Promise<void> {
    const done = () =>
      text.test(this.output) || this.process.exitCode !== null || this.process.signalCode !== null;
    await until(done, `${String(text)} after ${this.output}`);
  }

  /** Says that to something that the seat does. What comes before the app has its devices is lost, as for any app. */
  async answers(command: string, text: RegExp): Promise<void> {
    for (let tries = 0; tries < 30 && !text.test(this.output); ++tries) {
      await this.compositor.command(command);
      const deadline = Date.now() + 1000;
      while (!text.test(this.output) && Date.now() < deadline) await setTimeout(10);
    }
  }

  /** Ends it in the way of a user. */
  async close(): Promise<void> {
    await this.compositor.command('close');
    await this.ended;
  }
}

export class Place {
  readonly folder: string;
  readonly compositor: Compositor;
  readonly thaw: Thaw;
  /** Of profiles that are on one. */
  readonly bus: SessionBus | undefined;
  readonly #more: SessionBus[] = [];
  readonly #path: string;

  /** `display`: what the compositor is called; the profile has wayland-0. */
  constructor(
    readonly profile: string,
    display = 'wayland-0',
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `thaw-${profile}-`));
    this.compositor = new Compositor(this.folder, display);
    this.thaw = new Thaw(join(this.folder, 'store'));
    const own = join(this.folder, 'profiles', profile);
    cpSync(dirname(definitionPath(profile)), own, { recursive: true });
    symlinkSync(join(root, 'build'), join(this.folder, 'build'));
    this.#path = join(own, 'profile.toml');
    const toml = readFileSync(this.#path, 'utf8').replaceAll(EVERYWHERE, this.compositor.folder);
    writeFileSync(this.#path, toml);
    const bus = join(this.compositor.folder, 'session-bus');
    if (toml.includes(`path=${bus}"`)) this.bus = new SessionBus(bus);
  }

  async build(): Promise<void> {
    await this.bus?.start();
    await this.thaw.buildFrom(this.#path);
  }

  /** `warm` alone is an error where it cannot be. */
  start(how: How): Window {
    return this.#start(how, []);
  }

  /** As one of several: with a bus of its own, where it is on one, as a name there has one owner. Needs root for that. */
  async startBeside(how: How): Promise<Window> {
    if (this.bus === undefined) return this.start(how);
    const own = new SessionBus(join(this.folder, `bus-${this.#more.length}`));
    this.#more.push(own);
    await own.start();
    const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
    return this.#start(how, ['unshare', '--mount', 'sh', '-c', script, own.path, this.bus.path]);
  }

  #start(how: How, wrapper: readonly string[]): Window {
    const { command, cwd, env } = commandOf({ profile: this.profile, definition: this.#path });
    const [program = '', ...args] = command;
    const stamp = join(this.folder, 'stamp');
    const launch = this.#command(how, [resolve(cwd, program), ...args]);
    const [first = '', ...rest] = [...wrapper, benchProgram('exec_stamp'), stamp, ...launch];
    const process = spawn(first, rest, {
      cwd,
      env: { ...env, THAW_LOG: 'info' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Window(process, this.compositor, stamp);
  }

  #command(how: How, command: readonly string[]): readonly string[] {
    if (how === 'cold') return command;
    if (how === 'warm') return warmCommand(this.thaw.store, this.profile, command);
    return [thawExec, '--store', this.thaw.store, '--', ...command];
  }

  async end(): Promise<void> {
    await this.compositor.stop();
    for (const bus of [this.bus, ...this.#more]) await bus?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
