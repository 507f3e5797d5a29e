// What a compositor's seat does and what its clients show, by the module of weston_seat.c.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { until } from '../until.js';

export class Seat {
  /** `folder`: of the compositor's socket. */
  constructor(readonly folder: string) {}

  /** For the compositor. `layout`: of the keyboard. */
  variables(layout = 'us'): Readonly<Record<string, string>> {
    return { SEAT_COMMANDS: this.#commands, SEAT_LOG: this.#log, SEAT_KEYMAP: layout };
  }

  /** Before each start of the compositor. */
  prepare(): void {
    rmSync(this.#commands, { force: true });
    execFileSync('mkfifo', [this.#commands]);
    writeFileSync(this.#log, '');
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
}
