import { execa } from 'execa';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../launcher/store/store.js';
import { definitionPath, root } from './paths.js';
import type { ReadOnlyRoot } from './read_only_root.js';

export class ThawError extends Error {
  override readonly name = 'ThawError';
}

/** The thaw command, working on one store. */
export class Thaw {
  readonly store: string;
  readonly #script: string;
  readonly #where: ReadOnlyRoot | undefined;

  /** `where`: what the apps are built in; default: where the bench runs. */
  constructor(store: string, checkout = root, where?: ReadOnlyRoot) {
    this.store = store;
    this.#where = where;
    const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
      bin: { thaw: string };
    };
    this.#script = join(checkout, manifest.bin.thaw);
  }

  /** Builds the image of a profile that comes with thaw. @throws ThawError with the command's output */
  async build(profile: string): Promise<void> {
    await this.buildFrom(definitionPath(profile));
  }

  /** Builds the images of the profiles that TOML files define. @throws ThawError with the command's output */
  async buildFrom(...definitions: readonly string[]): Promise<void> {
    await this.#run(['build', ...definitions]);
  }

  /** The path of the profile's image. */
  image(profile: string): string {
    return new Store(this.store).current(profile);
  }

  /** Bytes that the profile's image takes on disk: the room between its parts is sparse and does not count. */
  imageBytes(profile: string): number {
    return statSync(this.image(profile)).blocks * 512;
  }

  async #run(args: readonly string[]): Promise<void> {
    const command = [process.execPath, this.#script, ...args];
    const [program = '', ...rest] = this.#where?.command(process.cwd(), command) ?? command;
    const { failed, exitCode, all } = await execa(program, rest, {
      env: { THAW_STORE: this.store, NO_COLOR: '1' },
      stdin: 'ignore',
      all: true,
      reject: false,
    });
    if (failed) throw new ThawError(`thaw ${args.join(' ')}: exit code ${exitCode ?? 'none'}\n${all.trim()}`);
  }
}
