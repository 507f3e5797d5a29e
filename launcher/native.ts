// The native part, typed: build/<cpu>/thaw.node and build/<cpu>/thaw-exec.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ThawError, messageOf } from './errors.js';

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Records the page faults of the process that it is spawned with, where the kernel lets this user do that. */
export type FaultRecorder = object & { readonly __brand: 'FaultRecorder' };

export interface SpawnOptions {
  readonly program: string;
  /** With argv[0]. */
  readonly args: readonly string[];
  /** Each `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Default: the caller. */
  readonly user?: User;
  readonly stdio: readonly [number, number, number];
  readonly setsid: boolean;
  /** In a time namespace whose clocks begin near zero, where privileges allow. */
  readonly freshClocks?: boolean;
  readonly faults?: FaultRecorder;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: number | null;
}

export interface Policy {
  readonly type?: string;
  readonly path?: string;
  readonly action: string;
}

export interface CheckpointOptions {
  readonly pid: number;
  readonly image: string;
  readonly leaveRunning: boolean;
  readonly policies: readonly Policy[];
  /** '' for the program, arguments and folder that /proc tells. */
  readonly program: string;
  readonly args: readonly string[];
  /** What the profile declares, each `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly profile: string;
  /** The app asks for its caller's arguments itself. */
  readonly deliver: boolean;
  readonly inherit: readonly number[];
  /** Of the app's struct thaw_call, in hexadecimal. */
  readonly callAddress?: string;
  readonly guardsOff: readonly string[];
}

export interface CheckpointReport {
  readonly imageSize: number;
  readonly storedBytes: number;
  readonly threads: number;
  readonly mappings: number;
  readonly descriptors: number;
  readonly ops: number;
  readonly frozenMs: number;
}

export interface Problem {
  /** Which condition of a launch: cpu, user, program, file, ... */
  readonly condition: string;
  readonly what: string;
  readonly remedy: string;
}

export interface Verdict {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

export interface VerifyOptions {
  /** Read all page data, too. */
  readonly data: boolean;
  /**
   * And have it read from the storage, which also leaves the page cache with large folios of the image, where the file system has them
   * (mm/readahead.c of the kernel): launches then take fewer faults.
   */
  readonly fromStorage?: boolean;
  /** Another root file system, whose files are looked at instead of what a launch here would check. */
  readonly root?: string;
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string;
}

export interface ImageThread {
  readonly tid: number;
  readonly name: string;
  readonly policy: number;
  readonly nice: number;
  readonly rseq: boolean;
  readonly pendingSignals: number;
}

export interface ImageMapping {
  readonly start: string;
  readonly end: string;
  readonly size: number;
  readonly prot: string;
  readonly kind: string;
  readonly name: string;
  readonly storedPages: number;
  readonly note: string;
}

export interface ImageDescriptor {
  readonly number: number;
  readonly closeOnExec: boolean;
  readonly kind: string;
  readonly position?: number;
  readonly policy?: string;
  readonly note: string;
}

export interface ImageTimer {
  readonly id: number;
  readonly clock: number;
  readonly remainingMs: number;
  readonly intervalMs: number;
}

export interface ImageProcess {
  readonly pid: number;
  readonly cwd: string;
  readonly cwdMoved: boolean;
  readonly guards: boolean;
  readonly threads: readonly ImageThread[];
  readonly mappings: readonly ImageMapping[];
  readonly descriptors: readonly ImageDescriptor[];
  readonly timers: readonly ImageTimer[];
  readonly signalActions: number;
  readonly pendingSignals: number;
}

export interface WorkingSetRun {
  readonly address: string;
  readonly pages: number;
  readonly written: boolean;
}

export interface Image {
  readonly header: {
    readonly id: string;
    readonly version: number;
    readonly cpu: string;
    readonly pageSize: number;
    readonly fileSize: number;
  };
  readonly requirements: {
    readonly program: string;
    /** With argv[0]. */
    readonly arguments: readonly string[];
    readonly environment: readonly string[];
    readonly profile: string;
    readonly kernel: string;
    readonly user: number;
    readonly group: number;
    readonly securityLabel: string;
    readonly madeAtMs: number;
    readonly cpuFeatures: string;
  };
  readonly sizes: {
    readonly file: number;
    readonly onDisk: number;
    readonly metadata: number;
    readonly storedPages: number;
    readonly stored: number;
    readonly operations: number;
  };
  /** What a launch touches until its first answer: fed, not waited for. */
  readonly workingSet: {
    readonly readPages: number;
    readonly writtenPages: number;
    /** In the order of first use. */
    readonly runs: readonly WorkingSetRun[];
  };
  readonly processes: readonly ImageProcess[];
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly mapped: boolean;
    readonly keptOpen: boolean;
    readonly program: boolean;
    /** In hexadecimal; '' without one: such a file is known by its time. */
    readonly buildId: string;
  }[];
  readonly omissions: readonly { readonly what: string; readonly why: string }[];
}

/** thaw.node as it is: what it returns as JSON text is parsed below. */
interface Addon {
  readonly version: string;
  readonly cpu: string;
  spawn(options: SpawnOptions): number;
  wait(pid: number): Promise<Exit>;
  exec(program: string, args: readonly string[], env: readonly string[], inherit: readonly number[]): never;
  checkpoint(options: CheckpointOptions): Promise<string>;
  show(path: string): string;
  verify(path: string, options: VerifyOptions): string;
  faultRecorder(): FaultRecorder;
  train(path: string, pid: number, faults: FaultRecorder): void;
  doctor(pid?: number): string;
  checkKernel(): void;
  launchKey(program: string, args: readonly string[] | null): string;
  receiveDatagram(path: string, text: string): Promise<string>;
}

const CPUS: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  arm: 'armv7',
};

/** The project's folder: this file is compiled to dist/launcher/. */
export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function built(name: string): string {
  const cpu = CPUS[process.arch];
  if (cpu === undefined || process.platform !== 'linux')
    throw new ThawError(`thaw does not run on ${process.platform} ${process.arch}`);
  const path = join(projectFolder, 'build', cpu, name);
  if (existsSync(path)) return path;
  throw new ThawError(`${path} is not built`, { remedy: 'npm run build:native' });
}

let loaded: Addon | undefined;

function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const path = built('thaw.node');
  try {
    loaded = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    throw new ThawError(`cannot load ${path}: ${messageOf(error)}`, {
      remedy: 'build it for this Node with npm run build:native',
      cause: error,
    });
  }
  return loaded;
}

/** What the engine throws carries `code` and `remedy` (native/addon/addon.h). */
function nativeError(error: unknown): ThawError {
  if (error instanceof ThawError) return error;
  const { code, remedy } = error as { readonly code?: string; readonly remedy?: string };
  return new ThawError(messageOf(error), { code, remedy, cause: error });
}

function told<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw nativeError(error);
  }
}

export const native = {
  get version(): string {
    return addon().version;
  },
  /** The path of thaw-exec. @throws ThawError when it is not built */
  thawExec: (): string => built('thaw-exec'),
  spawn: (options: SpawnOptions): number => told(() => addon().spawn(options)),
  wait: (pid: number): Promise<Exit> => addon().wait(pid),
  /**
   * Becomes another program, which gets the descriptors 0, 1, 2 and those in `inherit`; returns only by throwing.
   * Node makes all descriptors that it was started with close-on-exec.
   */
  exec: (
    program: string,
    args: readonly string[],
    env: readonly string[],
    inherit: readonly number[] = [],
  ): never => told(() => addon().exec(program, args, env, inherit)),
  /** @throws ThawError saying what cannot be taken into an image, and what to set */
  checkpoint: async (options: CheckpointOptions): Promise<CheckpointReport> => {
    try {
      return JSON.parse(await addon().checkpoint(options)) as CheckpointReport;
    } catch (error) {
      throw nativeError(error);
    }
  },
  show: (path: string): Image => told(() => JSON.parse(addon().show(path)) as Image),
  verify: (path: string, options: VerifyOptions): Verdict =>
    told(() => JSON.parse(addon().verify(path, options)) as Verdict),
  faultRecorder: (): FaultRecorder => addon().faultRecorder(),
  /**
   * Records in the image at `path`, not installed yet, which pages process `pid`, launched from it with this recorder,
   * has touched, in the order of first use.
   */
  train: (path: string, pid: number, faults: FaultRecorder): void => {
    told(() => {
      addon().train(path, pid, faults);
    });
  },
  doctor: (pid?: number): readonly Check[] =>
    told(() => (JSON.parse(addon().doctor(pid)) as { checks: readonly Check[] }).checks),
  /** @throws ThawError where nothing can be checkpointed, as under user emulation */
  checkKernel: (): void => {
    told(() => {
      addon().checkKernel();
    });
  },
  /** `args` null: for any arguments. */
  launchKey: (program: string, args: readonly string[] | null): string =>
    told(() => addon().launchKey(program, args)),
  /** The first message with `text` in it on a unix datagram socket at `path`; removing the socket ends the wait. */
  receiveDatagram: (path: string, text: string): Promise<string> => addon().receiveDatagram(path, text),
};

/** An environment as the native part takes it. */
export function environmentList(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}
