// What the engine is asked with.

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Records the page faults of the process that it is spawned with, where the kernel lets this user do that. */
export type FaultRecorder = object & { readonly __brand: 'FaultRecorder' };

/** Pages of an image, in the order of first use. */
export type WorkingSet = object & { readonly __brand: 'WorkingSet' };

/** What became of the order of an image's pages: too small a working set, first in the image, or no room for a second image. */
export type PageOrder = 'kept' | 'first' | 'no room';

/** Watches which files the process uses that it is spawned with, until its checkpoint. */
export type InputWatch = object & { readonly __brand: 'InputWatch' };

/** A system call that an app makes. */
export interface AwaitedCall {
  /** One of these, as syscalls(2) has them. Of several, this CPU need not have all. */
  readonly syscalls: readonly string[];
  /** A pattern (`fnmatch(3)`) of an absolute path that it names; default: any. */
  readonly path?: string;
  /** What connect(2) is given: the absolute path of a unix socket, "@name", "1.2.3.4:80", "[::1]:80"; default: any. */
  readonly address?: string;
}

export interface WatchOptions {
  /** A call that is waited for, and whether the app is held there. */
  readonly awaited?: AwaitedCall & { readonly hold: boolean };
  /** Those of the profile: conversations with servers that one of them has replayed are recorded. */
  readonly policies?: readonly Policy[];
  /** A launch has the pids that the app's processes get: they need not be told in memory. */
  readonly keepsPids?: boolean;
}

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
  /** Standard input is a pipe that nobody writes to, as long as the process is kept. */
  readonly openInput?: boolean;
  /** `stdio` is a terminal of its own, and what it shows goes to the second of them. */
  readonly terminal?: boolean;
  readonly setsid: boolean;
  /** In a time namespace whose clocks begin near zero, where privileges allow. */
  readonly freshClocks?: boolean;
  /** Ends with all that it has started when this process ends, even by SIGKILL. */
  readonly kept?: boolean;
  /** With a pid that no other number in its memory is likely to equal, where privileges allow. */
  readonly unusualPid?: boolean;
  /** With such a one above the machine's limit, where that is small. No launch can be given it by `keepPid`. */
  readonly largePid?: boolean;
  /** See which variables of its environment the app looks up, where that is possible. */
  readonly watchLookups?: boolean;
  readonly faults?: FaultRecorder;
  readonly inputs?: InputWatch;
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
  /** The whole environment that the app was started with; [] for the one that /proc tells. */
  readonly startedWith: readonly string[];
  /** `launch.env` of the profile. */
  readonly environmentRule: 'exact' | 'deliver' | 'image';
  readonly ignoredVariables: readonly string[];
  /** Where the app was started; '' where nobody knows. */
  readonly cwd: string;
  /** A launch may come from another folder. */
  readonly anyFolder: boolean;
  readonly profile: string;
  /** The app asks for its caller's arguments itself. */
  readonly deliver: boolean;
  /** For the app, the time since the checkpoint has passed at a launch. */
  readonly clocksJump?: boolean;
  readonly inherit: readonly number[];
  /** Each launch has the pid of the checkpoint. */
  readonly keepPid?: boolean;
  /** So have all of its processes, in a pid namespace of each launch's own. */
  readonly pidNamespace?: boolean;
  readonly userNamespace?: boolean;
  /** After how many launches that died within this time an image is set aside; default: never. */
  readonly guard?: { readonly withinMs: number; readonly tries: number };
  /** This image is one of so many of its profile; default: 1. */
  readonly layouts?: number;
  /** Of the app's struct thaw_call, in hexadecimal. */
  readonly callAddress?: string;
  readonly guardsOff: readonly string[];
  /** What was watched since the app was spawned, and the profile's patterns; default: nothing was. */
  readonly inputs?: {
    readonly watch: InputWatch;
    readonly ignore: readonly string[];
    readonly add: readonly string[];
    readonly ignoreMachine: readonly string[];
    /** A file that names the content of its read-only file system; '': none. */
    readonly rootIdentity: string;
  };
}

export interface VerifyOptions {
  /** Read all page data, too. */
  readonly data: boolean;
  /**
   * Have the page data read from the storage. Where the file system has large folios, the page cache then holds the
   * image in these (mm/readahead.c of the kernel), and launches take fewer faults.
   */
  readonly fromStorage?: boolean;
  /** Another root file system, whose files are looked at instead of what a launch here would check. */
  readonly root?: string;
}
