// A read-only file system, as the root of a device is one, in a mount namespace that only what is started in it sees.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../launcher/errors.js';
import { output } from './command.js';
import { LackingError } from './lacking.js';
import type { Start } from './instance.js';

const SCRIPT = 'mount -o loop,ro "$0" "$1" && echo mounted && exec cat';

export class ReadOnlyRoot {
  readonly #enter: readonly string[];
  readonly #end: () => void;

  private constructor(pid: number, end: () => void) {
    this.#enter = ['nsenter', '--mount', `--target=${pid}`];
    this.#end = end;
  }

  /** Makes a squashfs of the folder `tree` and mounts it on `folder`. @throws LackingError saying why that is not possible here */
  static async of(tree: string, folder: string, work: string): Promise<ReadOnlyRoot> {
    const what = 'cannot mount a squashfs';
    const image = join(work, 'root.squashfs');
    try {
      output(['mksquashfs', tree, image, '-quiet', '-no-progress', '-noappend']);
    } catch (error) {
      throw new LackingError(`${what}: ${messageOf(error)}`, { cause: error });
    }
    mkdirSync(folder, { recursive: true });
    const holder = spawn('unshare', ['--mount', '/bin/sh', '-c', SCRIPT, image, folder]);
    const end = () => holder.stdin.end();
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
    if (said === 'mounted' && holder.pid !== undefined) return new ReadOnlyRoot(holder.pid, end);
    end();
    throw new LackingError(`${what}: ${said}`);
  }

  /** The same start where the file system is seen. */
  start(start: Start): Start {
    return { ...start, command: this.command(start.cwd, start.command) };
  }

  /** The command that runs `command` there, in the folder `cwd`. */
  command(cwd: string, command: readonly string[]): readonly string[] {
    return [...this.#enter, `--wdns=${cwd}`, '--', ...command];
  }

  /** Unmounts it, once nothing runs in it any more. */
  end(): void {
    this.#end();
  }
}
