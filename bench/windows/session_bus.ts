// A session bus of one place's own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';

import { endChild } from '../end_child.js';
import { until } from '../until.js';

/** The answer to a call on the bus at `address` as busctl prints it, or what it complains of. */
export function callOn(address: string, args: readonly string[], timeoutMs: number): string {
  const command = [`--address=${address}`, 'call', ...args];
  const { stdout, stderr } = spawnSync('busctl', command, { encoding: 'utf8', timeout: timeoutMs });
  return (stdout + stderr).trim();
}

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

  call(...args: readonly string[]): string {
    return callOn(this.address, args, 60_000);
  }

  async stop(): Promise<void> {
    if (this.#daemon !== undefined) await endChild(this.#daemon);
    this.#daemon = undefined;
    rmSync(this.path, { force: true });
  }
}
