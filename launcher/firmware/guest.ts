// The guest: cross/guest.sh with the device's root, in which cross/guest-build builds the profiles.
import { type ResultPromise, execa } from 'execa';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { ThawError } from '../errors.js';
import { inClone, projectFolder } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import type { Progress } from '../progress.js';
import { type GuestCpu, guestOf } from '../cpus.js';
import { expectStarted, runTool } from './process.js';

export interface GuestSetting {
  readonly cpu: GuestCpu;
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

const firmwareLog = logOf('firmware');

/** What the guest's `thaw build --json` says of each profile. */
export interface TargetRow {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly onDisk?: number;
  readonly error?: string;
  readonly report?: { readonly threads: number; readonly mappings: number; readonly descriptors: number };
}

/** What it prints is kept; what it says meanwhile is followed. */
const RUN = {
  stdin: 'ignore',
  buffer: { stderr: false },
  maxBuffer: Infinity,
  reject: false,
  detached: true, // A group of its own, so that QEMU ends with its script.
} as const;

type Child = ResultPromise<typeof RUN>;

/** Booting, and what a profile may take beyond its own time-outs; a time-out of a step comes first. */
const BOOT_SECONDS = 300;
const STEPS_WITH_TIMEOUT = 7;

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
    const begin = performance.now();
    const child = this.#start(root, definitions);
    const { pid } = child;
    firmwareLog.debug({ pid, cpu, root, additions: this.additions }, 'guest started');
    const end = (): void => {
      if (pid !== undefined) process.kill(-pid, 'SIGTERM');
    };
    this.interrupt.addEventListener('abort', end, { once: true });
    try {
      const rows = await this.#follow(child, progress);
      firmwareLog.info({ pid, cpu, root, profiles: rows.length, ms: msSince(begin) }, 'guest built');
      return rows;
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
    const parts = ['package.json', 'dist/launcher', 'native/adapters', ...runtimePackages()];
    for (const file of ['thaw.node', 'thaw-exec']) {
      const path = join('build', cpu, file);
      if (!existsSync(join(projectFolder, path)))
        throw new ThawError(`${path} is not built`, { remedy: `sh scripts/build-native.sh ${cpu}` });
      parts.push(path);
    }
    const java = join('build', cpu, 'java'); // Where there was a JDK.
    if (existsSync(join(projectFolder, java))) parts.push(java);
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
    const slow = guestOf(cpu).slowClock;
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
    return execa(join(projectFolder, 'cross/guest.sh'), ['run', cpu, ...words, '--', ...command], RUN);
  }

  /** Passes on what the guest says while it says it. */
  async #follow(child: Child, progress: Progress): Promise<TargetRow[]> {
    const lines = child.iterable({ from: 'stderr' });
    const first = await progress.step(
      'boot',
      async () => {
        const next = await lines.next();
        if (next.done === true) expectStarted('cross/guest.sh', await child);
        return next;
      },
      (next) => (next.done === true ? 'it ended' : next.value),
    );
    for await (const line of lines) process.stderr.write(`${line.trimEnd()}\n`);
    const ending = await child;
    this.interrupt.throwIfAborted();
    const { exitCode: status, stdout } = ending;
    if (first.done !== true && (status === 0 || status === 1) && stdout.trim() !== '')
      return JSON.parse(stdout) as TargetRow[];
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

/** @throws ThawError where thaw was installed: what makes guests, and thaw for their CPU, is in the clone alone */
export function expectGuests(): void {
  if (!inClone)
    throw new ThawError('this thaw cannot build for a device: guests are made in a clone of the repository', {
      remedy: 'clone it, run npm start there, and use npx thaw',
    });
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
      if (found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit('.');
  return [...found];
}
