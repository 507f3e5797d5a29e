// What an image holds, as the engine shows it (native/addon/show.cc). The types come from schemas, with which a test
// parses what the engine tells of real images; no command loads this module.
import * as v from 'valibot';

import type { Told } from './told.js';

const header = v.strictObject({
  id: v.string(),
  /** Of the image's format. */
  version: v.number(),
  cpu: v.string(),
  pageSize: v.number(),
  /** How many images the profile has, of which a launch takes one. */
  layouts: v.number(),
  /** Of the header itself, in bytes. */
  size: v.number(),
  metadataOffset: v.number(),
  fileSize: v.number(),
});

const requirements = v.strictObject({
  program: v.string(),
  /** With argv[0]. */
  arguments: v.array(v.string()),
  /** Of the warm-up, each `NAME=value`. */
  environment: v.array(v.string()),
  /** Which variables of a caller are inputs; 'image' and 'deliver': none. */
  environmentRule: v.picklist(['image', 'all', 'looked up', 'deliver']),
  /** Names, some with a `*` at the end: what was looked up. */
  inputs: v.array(v.string()),
  ignoredVariables: v.array(v.string()),
  /** Names of what the app has set or removed itself. */
  ownVariables: v.array(v.string()),
  /** The app gets the caller's environment. */
  delivers: v.boolean(),
  profile: v.string(),
  /** Where a launch must come from; '': from anywhere. */
  folder: v.string(),
  kernel: v.string(),
  user: v.number(),
  group: v.number(),
  securityLabel: v.string(),
  /** Of a launch: "continue" or "jump". */
  clocks: v.string(),
  madeAtMs: v.number(),
  /** The clocks at the checkpoint. */
  monotonicNs: v.number(),
  boottimeNs: v.number(),
  /** After how many early deaths in a row the image is set aside, and what is early; 0: never. */
  guardTries: v.number(),
  guardWithinMs: v.number(),
  /** Whether the warm-up was watched, so that all inputs are known. */
  inputsWatched: v.boolean(),
  /** What of the machine the app has asked for: inputs, too. */
  machine: v.array(
    v.strictObject({ key: v.picklist(['hostname', 'cpus', 'memory']), what: v.string(), value: v.string() }),
  ),
  /** The file that stands for all inputs of its read-only file system; '': none. */
  rootIdentity: v.string(),
  /** What names the content of that file system, in hexadecimal; '': nothing. */
  rootContent: v.string(),
  cpuFeatures: v.string(),
  /** The same for `missingFeatures`. */
  cpuFeatureWords: v.string(),
});

const sizes = v.strictObject({
  file: v.number(),
  onDisk: v.number(),
  metadata: v.number(),
  storedPages: v.number(),
  stored: v.number(),
  operations: v.number(),
});

const workingSetRun = v.strictObject({
  address: v.string(),
  pages: v.number(),
  written: v.boolean(),
});

const workingSet = v.strictObject({
  readPages: v.number(),
  writtenPages: v.number(),
  /** In the order of first use. */
  runs: v.array(workingSetRun),
});

const thread = v.strictObject({
  tid: v.number(),
  name: v.string(),
  policy: v.number(),
  nice: v.number(),
  rseq: v.boolean(),
  pendingSignals: v.number(),
});

const mapping = v.strictObject({
  /** Addresses are in hexadecimal. */
  start: v.string(),
  end: v.string(),
  size: v.number(),
  prot: v.string(),
  kind: v.string(),
  name: v.string(),
  storedPages: v.number(),
  note: v.string(),
});

const descriptor = v.strictObject({
  number: v.number(),
  closeOnExec: v.boolean(),
  kind: v.string(),
  /** The open file description; these three are missing for what a launch's caller gives. */
  openFile: v.exactOptional(v.number()),
  position: v.exactOptional(v.number()),
  policy: v.exactOptional(v.string()),
  note: v.string(),
});

const timer = v.strictObject({
  id: v.number(),
  clock: v.number(),
  remainingMs: v.number(),
  intervalMs: v.number(),
});

/** Where the id of a thread stands in memory and is corrected by a launch. */
const id = v.strictObject({
  address: v.string(),
  /** That of a thread of any of the processes; a pid is that of its first thread. */
  tid: v.number(),
  form: v.string(),
});

/** Where the pid may stand that a launch leaves as it is. */
const idNotice = v.strictObject({
  /** Of the first; '0': not in memory. */
  address: v.string(),
  form: v.string(),
  count: v.number(),
  /** What stands around it, the mapping that it is in, or a path. */
  text: v.string(),
});

/** A copy of the terminal's mode in the app's memory, and whose mode a launch writes there. */
const modeCopy = v.strictObject({ address: v.string(), of: v.picklist(['caller', 'app']) });

/** Index of a process in the image; null: it is none of them, but the caller's. */
const member = v.nullable(v.number());

const process = v.strictObject({
  pid: v.number(),
  /** Of its main thread. */
  name: v.string(),
  /** '' of a zombie. */
  program: v.string(),
  /** A zombie has ended, and its parent has not waited for it. */
  state: v.picklist(['runs', 'stopped', 'zombie']),
  /** Of a zombie, as wait(2) tells it. */
  exitStatus: v.number(),
  /** The signal that its parent gets at its end; 0: none. */
  exitSignal: v.number(),
  parent: member,
  /** Whose id its session and its process group have. */
  session: member,
  group: member,
  cwd: v.string(),
  cwdMoved: v.boolean(),
  guards: v.boolean(),
  /** A launch has it, in a pid namespace or not. */
  keepsPid: v.boolean(),
  pidNamespace: v.boolean(),
  userNamespace: v.boolean(),
  threads: v.array(thread),
  mappings: v.array(mapping),
  descriptors: v.array(descriptor),
  timers: v.array(timer),
  ids: v.array(id),
  idNotices: v.array(idNotice),
  modeCopies: v.array(modeCopy),
  signalActions: v.number(),
  pendingSignals: v.number(),
});

const file = v.strictObject({
  path: v.string(),
  size: v.number(),
  mtimeMs: v.number(),
  mapped: v.boolean(),
  keptOpen: v.boolean(),
  program: v.boolean(),
  /** In hexadecimal; '' without one: such a file is known by its time. */
  buildId: v.string(),
});

const input = v.strictObject({
  path: v.string(),
  /** What of it counts: file, directory, modules, link, exists, missing (docs/inputs.md). */
  kind: v.string(),
  size: v.number(),
  /** The app reads and writes it. */
  written: v.boolean(),
  /** The root identity stands for it. */
  onRoot: v.boolean(),
  /** Each launch reads it: its file system keeps no change times. */
  read: v.boolean(),
});

export const imageSchema = v.strictObject({
  header,
  requirements,
  sizes,
  /** What a launch touches until its first answer: fed, not waited for. */
  workingSet,
  processes: v.array(process),
  inputs: v.array(input),
  files: v.array(file),
  /** The system calls that its launch makes, beyond what the app does itself. */
  calls: v.array(v.string()),
});

export const storedRunsSchema = v.array(v.strictObject({ address: v.string(), pages: v.number() }));

export type Image = Told<typeof imageSchema>;
export type ImageProcess = Told<typeof process>;
export type ImageThread = Told<typeof thread>;
export type ImageMapping = Told<typeof mapping>;
export type ImageDescriptor = Told<typeof descriptor>;
export type ImageId = Told<typeof id>;
export type ImageIdNotice = Told<typeof idNotice>;
export type ImageInput = Told<typeof input>;
export type ImageTimer = Told<typeof timer>;
export type StoredRun = Told<typeof storedRunsSchema>[number];
export type WorkingSetRun = Told<typeof workingSetRun>;
