// Profiles of apps with a window, on a compositor with a seat: what they show, and what they do with clicks, keys and other sizes.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { definitionPath, root, thawExec } from '../../bench/paths.js';
import { commandOf, warmCommand } from '../../bench/start.js';
import { Thaw } from '../../bench/thaw.js';
import { until } from '../session/bus.js';
import { Compositor } from '../session/compositor.js';

/** Where the profiles have their compositor. */
const EVERYWHERE = '/run/kiosk';
const KEY_A = 30;
const KEY_Y = 21;

/** One that runs. */
class Window {
  output = '';
  readonly ended: Promise<unknown>;

  constructor(
    readonly process: ChildProcess,
    readonly compositor: Compositor,
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
}

export class Place {
  readonly folder: string;
  readonly compositor: Compositor;
  readonly thaw: Thaw;
  readonly #path: string;

  /** `display`: what the compositor is called; the profile has wayland-0. */
  constructor(
    readonly profile: string,
    display = 'wayland-0',
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `thaw-${profile}-`));
    this.compositor = new Compositor(undefined, this.folder, display);
    this.thaw = new Thaw(join(this.folder, 'store'));
    const own = join(this.folder, 'profiles', profile);
    cpSync(dirname(definitionPath(profile)), own, { recursive: true });
    symlinkSync(join(root, 'build'), join(this.folder, 'build'));
    this.#path = join(own, 'profile.toml');
    const toml = readFileSync(this.#path, 'utf8').replaceAll(EVERYWHERE, this.compositor.folder);
    writeFileSync(this.#path, toml);
  }

  build(): Promise<void> {
    return this.thaw.buildFrom(this.#path);
  }

  /** `warm` alone is an error where it cannot be. */
  start(how: 'warm' | 'cold' | 'or cold'): Window {
    const { command, cwd, env } = commandOf({ profile: this.profile, definition: this.#path });
    const [program = '', ...args] = command;
    const [file = '', ...rest] = this.#command(how, [resolve(cwd, program), ...args]);
    const process = spawn(file, rest, {
      cwd,
      env: { ...env, THAW_LOG: 'info' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Window(process, this.compositor);
  }

  #command(how: 'warm' | 'cold' | 'or cold', command: readonly string[]): readonly string[] {
    if (how === 'cold') return command;
    if (how === 'warm') return warmCommand(this.thaw.store, this.profile, command);
    return [thawExec, '--store', this.thaw.store, '--', ...command];
  }

  async end(): Promise<void> {
    await this.compositor.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Shows itself as a cold one does, and reacts: `picture` is what that one has shown. */
async function checkWindow(t: ExecutionContext, window: Window, picture: Buffer, clickAt: string) {
  try {
    await useWindow(t, window, picture, clickAt);
  } catch (error) {
    const { exitCode, signalCode } = window.process;
    t.log(`the app (${signalCode ?? exitCode ?? 'which goes on'}): ${window.output}`);
    throw error;
  }
}

async function useWindow(t: ExecutionContext, window: Window, picture: Buffer, clickAt: string) {
  const { compositor } = window;
  await compositor.shown(window.pid);
  t.true((await settledPicture(compositor, picture)).equals(picture), 'it looks as after a cold start');
  await window.answers(`click ${clickAt}`, /^clicks 1$/m);
  await window.answers(`key ${KEY_A}`, /^key a on 1024x640$/m);
  const before = picture.toString('latin1', 0, 12);
  await compositor.command('resize 400 300');
  let other = before;
  const deadline = Date.now() + 30_000;
  while (other === before && Date.now() < deadline) {
    await setTimeout(10);
    other = (await compositor.picture()).toString('latin1', 0, 12);
  }
  t.not(other, before, 'it has drawn itself in another size');
  await window.says(/^size /m);
  await compositor.command('close');
  await window.ended;
  t.is(window.process.exitCode, 0, window.output);
  for (const said of [/^clicks 1$/m, /^key a on 1024x640$/m, /^size /m, /^closed$/m])
    t.regex(window.output, said);
  t.notRegex(window.output, /thaw-exec:|[Ww]arning|error/);
}

/** The picture, once it is that one, or as it is after a while. */
async function settledPicture(compositor: Compositor, wanted?: Buffer): Promise<Buffer> {
  let picture = await compositor.picture();
  for (let tries = 0; tries < 200; ++tries) {
    const next = await compositor.picture();
    if (wanted === undefined ? tries > 20 && next.equals(picture) : next.equals(wanted)) return next;
    picture = next;
  }
  return picture;
}

async function coldPicture(place: Place): Promise<Buffer> {
  const window = place.start('cold');
  await place.compositor.shown(window.pid);
  await window.says(/^shown$/m);
  const picture = await settledPicture(place.compositor);
  await place.compositor.command('close');
  await window.ended;
  return picture;
}

/** Declares the tests of one profile. `clickAt`: where its button is. */
export function proveWindow(profile: string, clickAt: string, inARow = 5): void {
  const place = new Place(profile);
  let picture: Buffer = Buffer.alloc(0);

  test.serial.before(`build ${profile}`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated();
    await place.build();
    picture = await coldPicture(place);
  });

  test.after.always('remove the store', () => place.end());

  test.serial(`${profile}: ${inARow} launches in a row show themselves and react`, async (t) => {
    t.timeout(600_000);
    for (let n = 0; n < inARow; ++n) await checkWindow(t, place.start('warm'), picture, clickAt);
  });

  test.serial(`${profile}: three at once`, async (t) => {
    t.timeout(600_000);
    const windows = [0, 1, 2].map(() => place.start('warm'));
    for (const window of windows) {
      await place.compositor.shown(window.pid);
      t.is(window.process.exitCode, null);
    }
    t.true((await settledPicture(place.compositor, picture)).equals(picture));
    for (const window of windows) {
      window.process.kill('SIGTERM');
      await window.ended;
      t.notRegex(window.output, /thaw-exec:/);
    }
  });

  test.serial(`${profile}: on a compositor that was started again`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated();
    await checkWindow(t, place.start('warm'), picture, clickAt);
  });

  test.serial(`${profile}: another output and another keymap come as changes`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated({ width: 800, height: 600, layout: 'de' });
    const window = place.start('warm');
    await place.compositor.shown(window.pid);
    t.true((await settledPicture(place.compositor, picture)).equals(picture));
    await window.answers(`key ${KEY_Y}`, /^key /m);
    t.regex(window.output, /^key z on 800x600$/m);
    t.notRegex(window.output, /thaw-exec:/);
    await place.compositor.command('close');
    await window.ended;
  });

  test.serial(`${profile}: without a seat it starts cold`, async (t) => {
    t.timeout(600_000);
    await place.compositor.start();
    const window = place.start('or cold');
    await window.says(/starting cold/);
    t.regex(window.output, /wl_registry.*; starting cold/);
    window.process.kill('SIGKILL');
    await window.ended;
  });
}
