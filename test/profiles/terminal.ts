// Profiles of programs that people use in a terminal, driven as they drive them: launched by a shell, in a terminal of another size
// and with other settings than that of the build.
import test, { type ExecutionContext } from 'ava';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'toml';

import { definitionPath } from '../../bench/paths.js';
import { warmCommand } from '../../bench/start.js';
import { Thaw } from '../../bench/thaw.js';
import { callerAccount } from '../../launcher/app/account.js';
import { minimalEnvironment } from '../../launcher/app/setting.js';
import { until } from '../engine/support/process.js';
import { type Size, Tmux } from '../engine/support/tmux.js';

interface Definition {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a user has set for his terminal, and no build's has. */
export const usersSettings = "stty erase '^H' intr '^G' -ixon";

/** A program in a terminal: a shell that has launched it from its image. */
export class Seat {
  constructor(
    readonly tmux: Tmux,
    readonly name: string,
    readonly pane: number,
  ) {}

  type(...keys: readonly string[]): void {
    this.tmux.type(this.name, ...keys);
  }

  /** Types a line. */
  enter(line: string): void {
    this.tmux.type(this.name, '-l', line);
    this.tmux.type(this.name, 'Enter');
  }

  shows(text: RegExp): Promise<void> {
    return this.tmux.shows(this.name, text);
  }

  path(file: string): string {
    return join(this.tmux.folder, `${this.name}.${file}`);
  }

  /** What has been written to a file of its own, once that is whole. */
  async written(file: string): Promise<string> {
    const content = (): string => {
      try {
        return readFileSync(this.path(file), 'utf8');
      } catch {
        return '';
      }
    };
    await until(`${file} to be written`, () => content().endsWith('\n'));
    return content();
  }

  /** The program that was launched. */
  get pid(): number {
    const [pid = 0] = readFileSync(`/proc/${this.pane}/task/${this.pane}/children`, 'utf8').trim().split(' ');
    return Number(pid);
  }
}

export class Desk {
  readonly tmux: Tmux;
  readonly #command: string;
  readonly #cwd: string;

  constructor(profile: string, thaw: Thaw) {
    const path = definitionPath(profile);
    const { program, args, env } = parse(readFileSync(path, 'utf8')) as Definition;
    const variables = { ...minimalEnvironment(callerAccount()), ...env };
    this.tmux = new Tmux(variables);
    this.#cwd = join(path, '..');
    // The terminal emulator has added its own.
    const only = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    this.#command = ['env', '-i', ...only, ...warmCommand(thaw.store, profile, [program, ...args])].join(' ');
  }

  /** A terminal whose shell has launched it, by a command that `wrap` makes of the usual one. */
  async launch(name: string, size: Size, wrap = (command: string): string => command): Promise<Seat> {
    const pane = this.tmux.open(name, "PS1='outer> ' exec bash --norc --noprofile -i", size, this.#cwd);
    const seat = new Seat(this.tmux, name, pane);
    await seat.shows(/outer>$/m);
    seat.enter(`${usersSettings}; stty -g >${seat.path('before')}; clear`);
    await seat.written('before');
    seat.enter(wrap(this.#command));
    return seat;
  }

  /** After its end: the terminal is as it was. */
  async checkEnd(t: ExecutionContext, seat: Seat, status = 0): Promise<void> {
    await seat.shows(/outer>\s*$/);
    seat.enter(`echo "status $?"; stty -g >${seat.path('after')}`);
    await seat.shows(new RegExp(`^status ${status}$`, 'm'));
    t.is(await seat.written('after'), await seat.written('before'));
  }
}

/** Builds the image of a profile before the tests. */
export function builtProfile(profile: string): () => Desk {
  const folder = mkdtempSync(join(tmpdir(), `thaw-${profile}-`));
  const thaw = new Thaw(join(folder, 'store'));
  const desks: Desk[] = [];
  test.serial.before(`build ${profile}`, async (t) => {
    t.timeout(600_000);
    await thaw.build(profile);
  });
  test.after.always('remove the store', () => {
    for (const desk of desks) desk.tmux.end();
    rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const desk = new Desk(profile, thaw);
    desks.push(desk);
    return desk;
  };
}
