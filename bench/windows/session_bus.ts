// A session bus of one place's own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';

import { endChild } from '../end_child.js';
import { until } from '../until.js';

export class SessionBus {
  #daemon: ChildProcess | undefined;

  constructor(readonly path: string) {}

  get address(): string {
    return `unix:path=${this.path}`;
  }

  /** Anew. */
  async start(): Promise<void> {
    await this.stop();
    this.#daemon = spawn('dbus-daemon', ['--session', '--nofork', `--address=${this.address}`], {
      stdio: 'ignore',
    });
    await until(() => existsSync(this.path), 'dbus-daemon');
  }

  /** The answer to a call as busctl prints it, or what it complains of. */
  call(...args: readonly string[]): string {
    const command = [`--address=${this.address}`, 'call', ...args];
    const { stdout, stderr } = spawnSync('busctl', command, { encoding: 'utf8', timeout: 60_000 });
    return (stdout + stderr).trim();
  }

  async stop(): Promise<void> {
    if (this.#daemon !== undefined) await endChild(this.#daemon);
    this.#daemon = undefined;
    rmSync(this.path, { force: true });
  }
}
