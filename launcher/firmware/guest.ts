// The guest: cross/guest.sh with the device's root, in which cross/guest-build builds the profiles.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import type { Definition } from '../definition/schema.js';
import { ThawError } from '../errors.js';
import { projectFolder } from '../engine/index.js';
import type { Progress } from '../progress.js';
import type { ArmCpu } from './cpu.js';
import { missing, runTool } from './process.js';
import type { TargetRow } from './target.js';

export interface GuestSetting {
  readonly cpu: ArmCpu;
  /** A kernel's file, or a flavour of Debian's; default: Debian's. */
  readonly kernel?: string | undefined;
  /** Its modules: .../lib/modules/VERSION. */
  readonly modules?: string | undefined;
  /** QEMU's name of the CPU. */
  readonly model?: string | undefined;
  /** In MB. */
  readonly memory?: string | undefined;
  readonly guardsOff: readonly string[];
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Booting, and what a profile may take beyond its own time-outs; a time-out of a step comes first. */
const BOOT_SECONDS = 300;
const STEPS_WITH_TIMEOUT = 5;
/**
 * An image can be launched when the device's clocks stand higher than it; where there are no time namespaces (32-bit ARM) nothing
 * else helps. An emulated CPU takes about ten times as long as a device's, so that this also makes time-outs mean the same.
 */
const SLOW_CLOCK: Readonly<Record<ArmCpu, number>> = { aarch64: 1, armv7: 16 };

export class Guest {
  /** What is to be added to the root, at its paths. */
  readonly additions: string;
  readonly #in: string;

  constructor(
    readonly setting: GuestSetting,
    work: string,
    readonly interrupt: AbortSignal,
  ) {
    this.additions = join(work, 'additions');
    this.#in = join(work, 'in');
  }

  /** Boots `root` and builds the profiles in it. @throws ThawError when the guest itself failed */
  async build(root: string, definitions: readonly Definition[], progress: Progress): Promise<TargetRow[]> {
    const { cpu, kernel } = this.setting;
    await progress.step('kernel and tools', async () => {
      if (kernel === undefined || !existsSync(kernel))
        await this.#script('kernel.sh', [cpu, ...(kernel === undefined ? [] : [kernel])]);
      await this.#script('tools.sh', [cpu]);
    });
    this.#fillIn(definitions);
    const child = this.#start(root, definitions);
    const end = (): void => {
      // A group of its own, so that QEMU ends with its script.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    };
    this.interrupt.addEventListener('abort', end, { once: true });
    try {
      return await this.#follow(child, progress);
    } finally {
      this.interrupt.removeEventListener('abort', end);
    }
  }

  #script(name: string, args: readonly string[]): Promise<string> {
    return runTool(join(projectFolder, 'cross', name), args);
  }

  /** thaw itself, as far as the guest needs it, and the definitions. */
  #fillIn(definitions: readonly Definition[]): void {
    const { cpu } = this.setting;
    const [thaw, profiles] = [join(this.#in, 'thaw'), join(this.#in, 'profiles')];
    const parts = ['package.json', 'dist/launcher', ...runtimePackages()];
    for (const file of ['thaw.node', 'thaw-exec']) {
      const path = join('build', cpu, file);
      if (!existsSync(join(projectFolder, path)))
        throw new ThawError(`${path} is not built`, { remedy: `sh scripts/build-native.sh ${cpu}` });
      parts.push(path);
    }
    for (const part of parts) cpSync(join(projectFolder, part), join(thaw, part), { recursive: true });
    mkdirSync(profiles, { recursive: true });
    for (const { name, file } of definitions) cpSync(file, join(profiles, `${name}.toml`));
    cpSync(join(projectFolder, 'cross/guest-build'), join(this.#in, 'guest-build'));
  }

  #start(root: string, definitions: readonly Definition[]): Child {
    const { cpu, guardsOff, ...values } = this.setting;
    const seconds = definitions.reduce(
      (sum, { warmup }) => sum + STEPS_WITH_TIMEOUT * Math.ceil(warmup.timeoutMs / 1000),
      BOOT_SECONDS,
    );
    const slow = SLOW_CLOCK[cpu];
    const options = {
      ...values,
      root,
      in: this.#in,
      out: this.additions,
      'slow-clock': String(slow),
      timeout: String(slow === 1 ? seconds : 4 * seconds),
    };
    const words = Object.entries(options).flatMap(([name, value]) =>
      value === undefined || !GUEST_OPTIONS.includes(name) ? [] : [`--${name}`, value],
    );
    const guards = guardsOff.length === 0 ? [] : ['--guards-off', guardsOff.join(',')];
    const build = ['--json', ...guards, ...definitions.map(({ name }) => `/${name}.toml`)];
    const command = ['/run/guest/tools/bin/sh', '/in/guest-build', cpu, ...build];
    return spawn(join(projectFolder, 'cross/guest.sh'), ['run', cpu, ...words, '--', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  }

  /** Passes on what the guest says while it says it. */
  async #follow(child: Child, progress: Progress): Promise<TargetRow[]> {
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    const lines = createInterface({ input: child.stderr });
    const closed = once(child, 'close').catch((error: unknown) => {
      throw missing('cross/guest.sh', error);
    }) as Promise<[number | null]>;
    const up = once(lines, 'line') as Promise<[string]>;
    const first = await progress.step(
      'boot',
      () => Promise.race([up.then(([line]) => line), closed.then(() => undefined)]),
      (line) => line ?? 'it ended',
    );
    lines.on('line', (line) => process.stderr.write(`${line.trimEnd()}\n`));
    const [status] = await closed;
    this.interrupt.throwIfAborted();
    if (first !== undefined && (status === 0 || status === 1) && output.trim() !== '')
      return JSON.parse(output) as TargetRow[];
    throw new ThawError(`the guest ended with status ${status ?? 'none'} before its profiles were built`, {
      remedy:
        status === 124
          ? 'it took too long; see warmup.timeout in the profiles'
          : "its console is above; a kernel needs virtio (mmio, blk, console), overlayfs, squashfs and the root's file system",
    });
  }
}

const GUEST_OPTIONS = ['kernel', 'modules', 'model', 'memory', 'root', 'in', 'out', 'slow-clock', 'timeout'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Folders of the packages that dist/launcher needs when it runs. */
function runtimePackages(): string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(projectFolder, folder, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const name of Object.keys(dependencies)) {
      const path = join('node_modules', name);
      if (found.has(path) || name === 'node-addon-api') continue; // Headers: for building only.
      found.add(path);
      visit(path);
    }
  };
  visit('.');
  return [...found];
}
