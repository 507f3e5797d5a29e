// Weston without a screen, with a seat that tests work: test/session/weston_seat.c is a module of it.
import type { ExecutionContext } from 'ava';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { root } from '../engine/support/paths.js';
import { builtWith } from '../launcher/support.js';
import { until } from './bus.js';

/** What of it differs from one start to the next. */
export interface Kind {
  readonly width?: number;
  readonly height?: number;
  /** Of its keyboard. */
  readonly layout?: string;
}

export class Compositor {
  readonly folder: string;
  readonly path: string;
  #weston: ChildProcess | undefined;

  /** `where`: a folder of the test. */
  constructor(
    t: Pick<ExecutionContext, 'teardown'> | undefined,
    where: string,
    readonly display = 'wayland-7',
  ) {
    this.folder = join(where, 'run');
    this.path = join(this.folder, display);
    mkdirSync(this.folder);
    chmodSync(this.folder, 0o700);
    t?.teardown(() => this.#weston?.kill('SIGKILL'));
  }

  get env(): Readonly<Record<string, string>> {
    return { XDG_RUNTIME_DIR: this.folder, WAYLAND_DISPLAY: this.display };
  }

  async start(...more: readonly string[]): Promise<void> {
    await this.#start(more, {});
  }

  /** With a seat. */
  async startSeated(kind: Kind = {}): Promise<void> {
    const module = this.#compiledSeat();
    rmSync(this.#commands, { force: true });
    execFileSync('mkfifo', [this.#commands]);
    writeFileSync(this.#log, '');
    const { width = 1024, height = 640, layout = 'us' } = kind;
    await this.#start([`--modules=${module}`, `--width=${width}`, `--height=${height}`], {
      SEAT_COMMANDS: this.#commands,
      SEAT_LOG: this.#log,
      SEAT_KEYMAP: layout,
    });
  }

  async stop(): Promise<void> {
    const weston = this.#weston;
    this.#weston = undefined;
    if (weston === undefined) return;
    if (weston.exitCode === null && weston.signalCode === null) {
      const ended = once(weston, 'exit');
      weston.kill('SIGKILL');
      await ended;
    }
    for (const name of [this.path, `${this.path}.lock`]) rmSync(name, { force: true });
  }

  /** The seat does something; see weston_seat.c. */
  async command(line: string): Promise<void> {
    const before = this.#lines(`done ${line}`).length;
    // Without a reader, opening it would wait for one.
    const fifo = openSync(this.#commands, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fifo, `${line}\n`);
    closeSync(fifo);
    await until(() => this.#lines(`done ${line}`).length > before, line);
  }

  /** What the window shows that was shown last, as PPM. */
  async picture(): Promise<Buffer> {
    const path = join(this.folder, 'picture.ppm');
    rmSync(path, { force: true });
    await this.command(`picture ${path}`);
    if (!existsSync(path)) throw new Error(`no window is shown: ${this.#lines('').slice(-8).join('; ')}`);
    return readFileSync(path);
  }

  /** When the compositor had the first picture of a process's window, in ns of CLOCK_MONOTONIC. */
  async shown(pid: number): Promise<number> {
    await until(() => this.#lines(`shown ${pid} `).length > 0, `the window of ${pid}`);
    return Number(this.#lines(`shown ${pid} `)[0]?.split(' ')[2]);
  }

  get #commands(): string {
    return join(this.folder, 'commands');
  }
  get #log(): string {
    return join(this.folder, 'log');
  }

  #lines(start: string): string[] {
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(start));
  }

  #compiledSeat(): string {
    const module = join(this.folder, 'seat.so');
    if (existsSync(module)) return module;
    const libraries = ['libweston-10', 'libweston-desktop-10', 'xkbcommon'];
    const flags = execFileSync('pkg-config', ['--cflags', ...libraries], { encoding: 'utf8' }).trim();
    const source = join(root, 'test', 'session', 'weston_seat.c');
    const linked = ['-lxkbcommon', '-lweston-desktop-10'];
    const all = ['-shared', '-fPIC', '-O1', '-Wall', ...flags.split(/\s+/), '-I/usr/include/weston'];
    execFileSync('cc', [...all, '-o', module, source, ...linked]);
    return module;
  }

  async #start(more: readonly string[], variables: Readonly<Record<string, string>>): Promise<void> {
    await this.stop();
    const args = [
      '--backend=headless-backend.so',
      `--socket=${this.display}`,
      '--use-pixman',
      '--idle-time=0',
    ];
    this.#weston = spawn('weston', [...args, '--shell=desktop-shell.so', '--no-config', ...more], {
      stdio: 'ignore',
      env: { ...builtWith, XDG_RUNTIME_DIR: this.folder, ...variables },
    });
    const env = { ...builtWith, ...this.env };
    await until(
      () => existsSync(this.path) && spawnSync('weston-info', { env, timeout: 5000 }).status === 0,
      'weston',
    );
  }
}
