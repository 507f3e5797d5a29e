// Finds and loads what is built for this machine: build/<cpu>/thaw.node and what stands beside it. Packages have the same
// folders as the clone (`files` of package.json).
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { hostCpu } from '../cpus.js';
import { ThawError, messageOf } from '../errors.js';
import type {
  Check,
  CheckpointReport,
  Deaths,
  Exit,
  KnownRoot,
  Machine,
  StoreLayout,
  Verdict,
  Vocabulary,
} from './answers.js';
import type { Image, StoredRun } from './image.js';
import type {
  CheckpointOptions,
  FaultRecorder,
  InputWatch,
  PageOrder,
  SpawnOptions,
  VerifyOptions,
  WatchOptions,
  WorkingSet,
} from './requests.js';

/** thaw.node as it is. What it throws carries `code` and often `remedy` (native/addon/addon.h). */
export interface Addon {
  readonly version: string;
  readonly cpu: string;
  spawn(options: SpawnOptions): number;
  wait(pid: number): Promise<Exit>;
  end(pid: number): Promise<void>;
  exec(program: string, args: readonly string[], env: readonly string[], inherit: readonly number[]): never;
  checkpoint(options: CheckpointOptions): Promise<CheckpointReport>;
  show(path: string): Image;
  storedPages(path: string): readonly StoredRun[];
  verify(path: string, options: VerifyOptions): Verdict;
  faultRecorder(): FaultRecorder;
  workingSet(path: string, pid: number, faults: FaultRecorder): WorkingSet;
  setWorkingSet(path: string, set: WorkingSet): PageOrder;
  survey(pid: number): readonly Check[];
  inputWatch(options?: WatchOptions): InputWatch;
  settleInputs(watch: InputWatch): void;
  sessionsAtRest(watch: InputWatch): boolean;
  callReached(watch: InputWatch): boolean;
  doctor(pid?: number): readonly Check[];
  checkKernel(): void;
  checkProcess(pid: number): void;
  vocabulary(): Vocabulary;
  readonly store: StoreLayout;
  ownStores(): readonly string[];
  isReadOnly(path: string): boolean;
  isNoExec(path: string): boolean;
  launchKey(program: string, args: readonly string[] | null, folder: string): string;
  deaths(image: string, stores: string): Deaths;
  receiveDatagram(path: string, text: string): Promise<string>;
  sendDatagram(path: string, text: string): void;
  findBytes(pid: number, hex: string): readonly string[];
  knownRoot(name: string): KnownRoot;
  enableVerity(path: string): boolean;
  measureVerity(path: string): string | null;
  machine(): Machine;
  missingFeatures(cpu: string, needed: string, present: string): string | null;
  buildId(path: string): string;
}

/** The project's folder: this file is compiled to dist/launcher/engine/. */
export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Whether thaw runs from a clone, in which it can be built and devices' images be made; else it was installed. */
export const inClone = existsSync(join(projectFolder, 'native', 'CMakeLists.txt'));

/** Where the files are that are built for this machine. @throws ThawError when thaw does not run on it */
export function buildFolder(): string {
  if (hostCpu === undefined || process.platform !== 'linux')
    throw new ThawError(`thaw does not run on ${process.platform} ${process.arch}`);
  return join(projectFolder, 'build', hostCpu);
}

/** The path of a built file. @throws ThawError when it is not there */
export function built(name: string): string {
  const path = join(buildFolder(), name);
  if (existsSync(path)) return path;
  throw inClone
    ? new ThawError(`${path} is not built`, { remedy: 'npm run build:native' })
    : new ThawError(`${path} is not there`, { remedy: 'install the package of thaw for this CPU again' });
}

let loaded: Addon | undefined;

export function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const path = built('thaw.node');
  try {
    loaded = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    throw new ThawError(`cannot load ${path}: ${messageOf(error)}`, {
      remedy: inClone
        ? 'build it for this Node with npm run build:native'
        : 'install a package of thaw that was made for this system, or newer system libraries',
      cause: error,
    });
  }
  return loaded;
}
