// Weston without a screen, with a seat that is worked by lines of text.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { callerAccount } from '../../launcher/app/account.js';
import { minimalEnvironment } from '../../launcher/app/setting.js';
import { endChild } from '../end_child.js';
import { until } from '../until.js';
import { benchProgram } from '../paths.js';
import { Seat } from './seat.js';

/** What of it differs from one start to the next. */
export interface Kind {
  readonly width?: number;
  readonly height?: number;
  /** Of its keyboard. */
  readonly layout?: string;
  /** More arguments. */
  readonly more?: readonly string[];
}

/** The arguments that all have; sockets are in $XDG_RUNTIME_DIR. */
export function westonArguments(display: string): readonly string[] {
  const drawing = ['--backend=headless-backend.so', '--use-pixman', '--idle-time=0'];
  return [...drawing, `--socket=${display}`, '--shell=desktop-shell.so', '--no-config'];
}

export class Compositor extends Seat {
  readonly path: string;
  #weston: ChildProcess | undefined;

  /** `where`: a folder in which it has one of its own. */
  constructor(
    where: string,
    readonly display = 'wayland-7',
  ) {
    super(join(where, 'run'));
    this.path = join(this.folder, display);
    mkdirSync(this.folder);
    chmodSync(this.folder, 0o700);
  }

  get env(): Readonly<Record<string, string>> {
    return { XDG_RUNTIME_DIR: this.folder, WAYLAND_DISPLAY: this.display };
  }

  async start(...more: readonly string[]): Promise<void> {
    await this.#start(more, {});
  }

  /** With more variables in its environment. */
  async startWith(variables: Readonly<Record<string, string>>, ...more: readonly string[]): Promise<void> {
    await this.#start(more, variables);
  }

  /** With a seat. */
  async startSeated({ width = 1024, height = 640, layout = 'us', more = [] }: Kind = {}): Promise<void> {
    await this.stop();
    this.prepare();
    const size = [`--width=${width}`, `--height=${height}`];
    await this.#start(
      [`--modules=${benchProgram('weston_seat.so')}`, ...size, ...more],
      this.variables(layout),
    );
  }

  /** At once. */
  kill(): void {
    this.#weston?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    const weston = this.#weston;
    this.#weston = undefined;
    if (weston === undefined) return;
    await endChild(weston);
    for (const name of [this.path, `${this.path}.lock`]) rmSync(name, { force: true });
  }

  async #start(more: readonly string[], variables: Readonly<Record<string, string>>): Promise<void> {
    await this.stop();
    const own = minimalEnvironment(callerAccount());
    this.#weston = spawn('weston', [...westonArguments(this.display), ...more], {
      stdio: 'ignore',
      env: { ...own, XDG_RUNTIME_DIR: this.folder, ...variables },
    });
    const env = { ...own, ...this.env };
    await until(
      () => existsSync(this.path) && spawnSync('weston-info', { env, timeout: 5000 }).status === 0,
      'weston',
    );
  }
}
