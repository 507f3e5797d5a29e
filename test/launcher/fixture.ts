// A folder with an app and its image, in which files are changed and put back between launches.
import { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { builtWith } from './support.js';

export interface Launched {
  readonly warm: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

export class Fixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-inputs-'));
  readonly store = mkdtempSync(join(tmpdir(), 'thaw-store-'));
  /** Words before each command: one that enters where it shall run. */
  under: readonly string[] = [];
  #undo: (() => void)[] = [];
  readonly #declared: Variables | undefined;
  #env: Variables;

  /** `declare`: the `env` of the profile. Without, files are what is tried, and the app has the environment of its image. */
  constructor(declare?: (folder: string) => Variables) {
    this.#declared = declare?.(this.folder);
    this.#env = this.#declared
      ? { ...builtWith, ...this.#declared }
      : { PATH: process.env['PATH'] ?? '', PYTHONDONTWRITEBYTECODE: '1' };
  }

  remove(): void {
    for (const folder of [this.folder, this.store]) rmSync(folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Uint8Array, mode = 0o644): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content, { mode });
    return this.path(name);
  }

  thaw(command: string, ...args: readonly string[]) {
    const words = [...this.under, process.execPath, cli, command, '--store', this.store, ...args];
    const [program = '', ...rest] = words;
    return spawnSync(program, rest, {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: 600_000,
    });
  }

  /** Builds profile `name` of its TOML text. */
  build(t: ExecutionContext, name: string, toml: string) {
    const pairs = Object.entries(this.#declared ?? {}).map(([key, value]) => `${key} = "${value}"`);
    const rule = this.#declared === undefined ? 'image' : 'exact';
    const definition = this.write(
      `${name}.toml`,
      `env = { ${pairs.join(', ')} }\n${toml}\n[launch]\nenv = "${rule}"\n`,
    );
    // Whole seconds, which can be set again exactly.
    spawnSync('find', [this.folder, '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+']);
    const built = this.thaw('build', definition);
    t.is(built.status, 0, built.stderr);
    return built;
  }

  /** The app prints `warming` when it starts, and ends once there is a file `go`. */
  launch(...command: readonly string[]): Launched {
    return this.launchUnder([], ...command);
  }

  /** By a program that executes the command which follows its own words. */
  launchUnder(words: readonly string[], ...command: readonly string[]): Launched {
    return this.#launch([...words, thawExec, '--store', this.store, '--', ...command]);
  }

  /** In a mount namespace where `other` stands in the place of `path`. */
  launchWith(path: string, other: string, command: readonly string[]): Launched {
    const words = [thawExec, '--store', this.store, '--', ...command];
    const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
    return this.#launch(['unshare', '--mount', '/bin/sh', '-c', script, other, path, ...words]);
  }

  #launch(command: readonly string[]): Launched {
    const [program = '', ...args] = [...this.under, ...command];
    this.write('go', '');
    const { stdout, stderr } = spawnSync(program, args, {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...this.#env, THAW_LOG: 'info' },
    });
    return { warm: !stdout.includes('warming') && stdout.includes('done'), stdout, stderr };
  }

  // Changes, each of which undo() takes back: content and time are then what they were, inode and change time are not.

  undo(): void {
    for (const step of this.#undo.reverse()) step();
    this.#undo = [];
  }

  /** A variable of the launch; without a value: not there. */
  set(name: string, value?: string): void {
    const before = this.#env;
    const others = Object.entries(before).filter(([other]) => other !== name);
    this.#env = Object.fromEntries(value === undefined ? others : [...others, [name, value]]);
    this.#undo.push(() => {
      this.#env = before;
    });
  }

  /** What an app that says LEVEL at its end says now. */
  get level(): string | undefined {
    return this.#env['LEVEL'];
  }

  /** Something that was not there. */
  add(name: string, content = 'new\n'): void {
    const folder = dirname(this.path(name));
    const made = existsSync(folder) ? this.path(name) : folder;
    this.write(name, content);
    this.#undo.push(() => {
      rmSync(made, { recursive: true });
    });
  }

  /** With another size and time. */
  edit(name: string): void {
    const before = this.#keep(name);
    writeFileSync(this.path(name), Buffer.concat([before, Buffer.from('\n')]));
  }

  /** In place, with the size and time that it had. */
  patch(name: string): void {
    const { atime, mtime } = statSync(this.path(name));
    writeFileSync(this.path(name), patched(this.#keep(name)));
    utimesSync(this.path(name), atime, mtime);
  }

  /** By another file of the same size and time; with the same content or not. */
  replace(name: string, same = false): void {
    const { atime, mtime, mode } = statSync(this.path(name));
    const before = this.#keep(name);
    writeFileSync(this.path(`${name}.new`), same ? before : patched(before), { mode });
    utimesSync(this.path(`${name}.new`), atime, mtime);
    renameSync(this.path(`${name}.new`), this.path(name));
  }

  touch(name: string): void {
    const { atime, mtime } = statSync(this.path(name));
    utimesSync(this.path(name), new Date(), new Date());
    this.#undo.push(() => {
      utimesSync(this.path(name), atime, mtime);
    });
  }

  moveAway(name: string): void {
    renameSync(this.path(name), this.path(`${name}.away`));
    this.#undo.push(() => {
      renameSync(this.path(`${name}.away`), this.path(name));
    });
  }

  retarget(name: string, from: string, to: string): void {
    const link = (target: string): void => {
      rmSync(this.path(name));
      symlinkSync(target, this.path(name));
    };
    link(to);
    this.#undo.push(() => {
      link(from);
    });
  }

  #keep(name: string): Buffer {
    const content = readFileSync(this.path(name));
    const { atime, mtime } = statSync(this.path(name));
    this.#undo.push(() => {
      writeFileSync(this.path(name), content);
      utimesSync(this.path(name), atime, mtime);
    });
    return content;
  }
}

/** With another last byte. */
function patched(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  const last = copy.length - 1;
  copy.writeUInt8(copy.readUInt8(last) ^ 1, last);
  return copy;
}

/**
 * One change of a table: what it is, how it is made, and the file, or `$VARIABLE`, that a cold start's reason names; null:
 * launched warm.
 */
export type Change = readonly [what: string, make: (fixture: Fixture) => void, reason: string | null];

/** Launches after each change, and again when it has been taken back. */
export function expectChanges(
  t: ExecutionContext,
  fixture: Fixture,
  command: readonly string[],
  changes: readonly Change[],
): void {
  const first = fixture.launch(...command);
  t.true(first.warm, `nothing has changed: ${first.stderr}`);
  for (const [what, make, reason] of changes) {
    make(fixture);
    const { warm, stdout, stderr } = fixture.launch(...command);
    t.is(warm, reason === null, `${what}: ${stdout}${stderr}`);
    if (reason !== null) {
      const named = reason.startsWith('$') ? reason.slice(1) : join(fixture.folder, reason);
      t.true(stderr.includes(`${named} `), `${what}: ${stderr}`);
    }
    t.true(stdout.includes(`done ${fixture.level ?? ''}`.trimEnd()), `${what}: ${stdout}${stderr}`);
    fixture.undo();
    const again = fixture.launch(...command);
    t.true(again.warm, `${what}, taken back: ${again.stderr}`);
  }
}
