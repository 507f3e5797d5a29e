// A terminal emulator for programs that people use in a terminal, driven as they drive them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { workFolder } from './paths.js';
import { until } from './process.js';

/** Columns and rows. */
export type Size = readonly [number, number];
/** A line editor (readline) draws its prompt in a new terminal only if that has another size. */
export const built: Size = [90, 30];
const usual: Size = [80, 24];

/** One of its own for each test. */
export class Tmux {
  readonly folder = mkdtempSync(join(workFolder('tmux'), 't-'));
  readonly #environment: Readonly<Record<string, string>>;

  /** As long as it has a session, it stays. */
  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = { ...environment, TERM: 'screen' };
    this.open('keeper', 'exec sleep 1000');
  }

  #tmux(...words: readonly string[]): string {
    return execFileSync('tmux', ['-S', join(this.folder, 'socket'), '-f', '/dev/null', ...words], {
      encoding: 'utf8',
      env: this.#environment,
      cwd: this.folder,
    });
  }

  /** Runs `command`, of a shell, on a terminal of its own. Returns its pid. */
  open(name: string, command: string, [columns, rows]: Size = usual, cwd = this.folder): number {
    const size = ['-x', String(columns), '-y', String(rows)];
    this.#tmux('new-session', '-d', '-s', name, ...size, '-c', cwd, command);
    return Number(this.#tmux('list-panes', '-t', name, '-F', '#{pane_pid}'));
  }

  screen(name: string): string {
    return this.#tmux('capture-pane', '-p', '-t', name);
  }

  type(name: string, ...keys: readonly string[]): void {
    this.#tmux('send-keys', '-t', name, ...keys);
  }

  resize(name: string, [columns, rows]: Size): void {
    this.#tmux('resize-window', '-t', name, '-x', String(columns), '-y', String(rows));
  }

  /** Closes the terminal, as a window is closed: what runs there is hung up. */
  close(name: string): void {
    this.#tmux('kill-session', '-t', name);
  }

  async shows(name: string, text: RegExp): Promise<void> {
    try {
      await until(`${text} on the screen`, () => text.test(this.screen(name)));
    } catch (error) {
      throw new Error(`${String(error)}\n${this.screen(name)}`);
    }
  }

  end(): void {
    spawnSync('tmux', ['-S', join(this.folder, 'socket'), 'kill-server']);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
