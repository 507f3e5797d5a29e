// The engine, as the commands call it: build/<cpu>/thaw.node and build/<cpu>/thaw-exec. What it throws is a ThawError.
import { ThawError, messageOf } from '../errors.js';
import { addon, built } from './addon.js';
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

export { buildFolder, inClone, projectFolder } from './addon.js';
export type { Check, CheckpointReport, Exit, Machine, Problem, Verdict } from './answers.js';
export type * from './image.js';
export type * from './requests.js';

/** What the engine throws carries `code` and `remedy` (native/addon/addon.h). */
function nativeError(error: unknown): ThawError {
  if (error instanceof ThawError) return error;
  const { code, remedy } = error as { readonly code?: string; readonly remedy?: string };
  return new ThawError(messageOf(error), { code, remedy, cause: error });
}

async function toldLater<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw nativeError(error);
  }
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
  wait: (pid: number): Promise<Exit> => toldLater(() => addon().wait(pid)),
  /** Kills a process that is kept, and all that it has started. */
  end: (pid: number): Promise<void> => toldLater(() => addon().end(pid)),
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
  checkpoint: (options: CheckpointOptions): Promise<CheckpointReport> =>
    toldLater(() => addon().checkpoint(options)),
  show: (path: string): Image => told(() => addon().show(path)),
  /** Which pages of the app's memory the image holds, by address within each of its mappings. */
  storedPages: (path: string): readonly StoredRun[] => told(() => addon().storedPages(path)),
  verify: (path: string, options: VerifyOptions): Verdict => told(() => addon().verify(path, options)),
  faultRecorder: (): FaultRecorder => addon().faultRecorder(),
  /** @throws ThawError where there is no such call as is awaited */
  inputWatch: (options?: WatchOptions): InputWatch => told(() => addon().inputWatch(options)),
  /** Whether the awaited call has come. @throws ThawError where the app cannot be watched */
  callReached: (watch: InputWatch): boolean => told(() => addon().callReached(watch)),
  /** Says that the app is left alone from now on: what it looks up again and again, it will look up after a launch, too. */
  settleInputs: (watch: InputWatch): void => {
    addon().settleInputs(watch);
  },
  /** Whether nothing is under way between the app and a server whose conversation is recorded. */
  sessionsAtRest: (watch: InputWatch): boolean => addon().sessionsAtRest(watch),
  /** Which pages of the image at `path` the process `pid` has touched, which was launched from it with this recorder. */
  workingSet: (path: string, pid: number, faults: FaultRecorder): WorkingSet =>
    told(() => addon().workingSet(path, pid, faults)),
  /**
   * Changes the image, which is not installed yet: no process of an app may have it mapped any more. Where it is worth it and
   * there is room for a second one, these pages stand first then.
   */
  setWorkingSet: (path: string, set: WorkingSet): PageOrder => told(() => addon().setWorkingSet(path, set)),
  /** What a checkpoint of the process would refuse, without stopping it. */
  survey: (pid: number): readonly Check[] => told(() => addon().survey(pid)),
  doctor: (pid?: number): readonly Check[] => told(() => addon().doctor(pid)),
  /** @throws ThawError where nothing can be checkpointed, as under user emulation */
  checkKernel: (): void => {
    told(() => {
      addon().checkKernel();
    });
  },
  /** @throws ThawError naming what of the process no image can hold, as far as that is seen at once */
  checkProcess: (pid: number): void => {
    told(() => {
      addon().checkProcess(pid);
    });
  },
  vocabulary: (): Vocabulary => addon().vocabulary(),
  /** The names of what lies in a store. */
  get store(): StoreLayout {
    return addon().store;
  },
  /** Those of $THAW_STORE, else the one that this user writes to. */
  ownStores: (): readonly string[] => addon().ownStores(),
  /** Whether it is on a read-only file system; what is not there is on none. */
  isReadOnly: (path: string): boolean => addon().isReadOnly(path),
  /** Whether it is on a file system that is mounted noexec. */
  isNoExec: (path: string): boolean => addon().isNoExec(path),
  /** The name of a launch's entry in the index. `args` null: for any arguments; `folder` '': from any folder. */
  launchKey: (program: string, args: readonly string[] | null, folder: string): string =>
    told(() => addon().launchKey(program, args, folder)),
  /** What is recorded of early deaths of the launches of an image, `<folder>/<id>.thaw`. */
  deaths: (image: string, stores = ''): Deaths => addon().deaths(image, stores),
  /** The first message with `text` in it on a unix datagram socket at `path`; removing the socket ends the wait. */
  receiveDatagram: (path: string, text: string): Promise<string> =>
    toldLater(() => addon().receiveDatagram(path, text)),
  /** One message to a unix datagram socket, `@` for an abstract one; never waits. @throws ThawError */
  sendDatagram: (path: string, text: string): void => {
    told(() => {
      addon().sendDatagram(path, text);
    });
  },
  /** Where these bytes stand in the writable memory of process `pid`: addresses, all in hexadecimal. */
  findBytes: (pid: number, hex: string): readonly string[] => told(() => addon().findBytes(pid, hex)),
  /** What a file or folder is as a root identity, here and now. */
  knownRoot: (name: string): KnownRoot => addon().knownRoot(name),
  /** Puts a file, which is never written again, under fs-verity. False where the file system has none. */
  enableVerity: (path: string): boolean => told(() => addon().enableVerity(path)),
  /** The digest in hexadecimal that the kernel compares with; null where it does not. */
  measureVerity: (path: string): string | null => told(() => addon().measureVerity(path)),
  /** What this machine is to images, which launches compare with what they need. */
  machine: (): Machine => addon().machine(),
  /** Names of CPU features that are needed and not there, '' for none; null: thaw does not know this CPU or these words. */
  missingFeatures: (cpu: string, needed: string, present: string): string | null =>
    addon().missingFeatures(cpu, needed, present),
  /** In hexadecimal; '' where there is no such file, or it has none. */
  buildId: (path: string): string => addon().buildId(path),
};

/** An environment as the native part takes it. */
export function environmentList(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}
