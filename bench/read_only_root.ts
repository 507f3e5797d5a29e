// A read-only file system, as the root of a device is one, in a mount namespace that only what is started in it sees.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../launcher/errors.js';
import { type Compression, formatNamed } from '../launcher/packing/formats/index.js';
import { output } from './command.js';
import { READ_AHEAD_KB } from './disk.js';
import type { Start } from './instance.js';
import { LackingError } from './lacking.js';
import { benchProgram } from './paths.js';
import { sealTree } from './sealed_store.js';

/** $0: the file system, $1: where it is mounted; then files that its files 0, 1, ... stand in place of. */
const SCRIPT = `
set -e
folder=$1
mount -o loop,ro "$0" "$folder"
echo ${READ_AHEAD_KB} >"/sys/class/bdi/$(mountpoint --fs-devno "$folder")/read_ahead_kb"
shift
i=0
for file; do
    mount --bind "$folder/$i" "$file"
    i=$((i + 1))
done
echo mounted
exec cat`;

/** As mksquashfs makes one by itself. */
const PLAIN: Compression = { algorithm: 'gzip', cluster: 128 << 10 };

interface Sealing {
  /** The file that is made. */
  readonly image: string;
  readonly format: string;
  readonly compression: Compression;
  /** Where all that it holds is seen beside each other. */
  readonly folder: string;
}

export class ReadOnlyRoot {
  readonly #image: string;
  readonly #arguments: readonly string[];
  #holder: ChildProcessWithoutNullStreams | undefined;

  private constructor(image: string, folder: string, over: readonly string[]) {
    this.#image = image;
    this.#arguments = [image, folder, ...over];
  }

  /** Makes a squashfs of the folder `tree` and mounts it on `folder`. @throws LackingError saying why that is not possible here */
  static async of(tree: string, folder: string, work: string): Promise<ReadOnlyRoot> {
    const image = join(work, 'root.squashfs');
    await make('squashfs', tree, image, PLAIN);
    mkdirSync(folder, { recursive: true });
    return ReadOnlyRoot.#mounted(image, folder, []);
  }

  /**
   * Makes one that holds `files`, which are seen there in place of the machine's own.
   *
   * @throws LackingError saying why that is not possible here
   */
  static async ofFiles(
    files: readonly string[],
    { image, format, compression, folder }: Sealing,
  ): Promise<ReadOnlyRoot> {
    const tree = `${image}.tree`;
    mkdirSync(tree);
    files.forEach((file, i) => output(['cp', '--preserve=mode,timestamps', file, join(tree, String(i))]));
    await make(format, tree, image, compression);
    rmSync(tree, { recursive: true });
    return ReadOnlyRoot.#mounted(image, folder, files);
  }

  static async #mounted(image: string, folder: string, over: readonly string[]): Promise<ReadOnlyRoot> {
    const root = new ReadOnlyRoot(image, folder, over);
    await root.#mount();
    return root;
  }

  async #mount(): Promise<void> {
    const holder = spawn('unshare', ['--mount', '/bin/sh', '-c', SCRIPT, ...this.#arguments]);
    this.#holder = holder;
    const said = await new Promise<string>((resolve) => {
      let problem = '';
      holder.stderr.on('data', (text: Buffer) => (problem += text.toString()));
      holder.stdout.once('data', (text: Buffer) => {
        resolve(text.toString().trim());
      });
      holder.once('error', (error) => {
        resolve(error.message);
      });
      holder.once('close', () => {
        resolve(problem.trim());
      });
    });
    if (said === 'mounted') return;
    this.end();
    throw new LackingError(`cannot mount ${this.#image}: ${said}`);
  }

  /** The same start where the file system is seen. */
  start(start: Start): Start {
    return { ...start, command: this.command(start.cwd, start.command) };
  }

  /** The command that runs `command` there, in the folder `cwd`. */
  command(cwd: string, command: readonly string[]): readonly string[] {
    const pid = this.#holder?.pid;
    if (pid === undefined) throw new Error('nothing is mounted');
    return ['nsenter', '--mount', `--target=${pid}`, `--wdns=${cwd}`, '--', ...command];
  }

  /**
   * Mounts it anew, once nothing runs in it: neither the page cache nor the file system knows anything of it. What is mounted elsewhere is seen
   * there as it is now.
   */
  async drop(): Promise<void> {
    await this.unmount();
    output([benchProgram('page_cache'), 'drop', this.#image]);
    await this.#mount();
  }

  /** Until drop() mounts it again. */
  async unmount(): Promise<void> {
    const holder = this.#holder;
    if (holder === undefined) return;
    const closed = new Promise((resolve) => holder.once('close', resolve));
    this.end();
    await closed;
    this.#holder = undefined;
  }

  /** Unmounts it, once nothing runs in it any more. */
  end(): void {
    this.#holder?.stdin.end();
  }
}

async function make(format: string, tree: string, output: string, compression: Compression): Promise<void> {
  try {
    await sealTree(formatNamed(format), tree, output, compression);
  } catch (error) {
    throw new LackingError(`cannot make ${output}: ${messageOf(error)}`, { cause: error });
  }
}
