// What the engine answers, but for the image (image.ts). As there, the types come from schemas that only a test loads.
import * as v from 'valibot';

import type { Told } from './told.js';

/** How a process ended: one of the two is null. */
export const exitSchema = v.strictObject({ code: v.nullable(v.number()), signal: v.nullable(v.number()) });

export const checkpointReportSchema = v.strictObject({
  imageSize: v.number(),
  storedBytes: v.number(),
  threads: v.number(),
  mappings: v.number(),
  descriptors: v.number(),
  ops: v.number(),
  frozenMs: v.number(),
  /** What somebody should know of the image. */
  warnings: v.array(v.string()),
});

const problem = v.strictObject({
  /** Which condition of a launch: cpu, user, program, file, ... */
  condition: v.string(),
  what: v.string(),
  /** '' where nobody can tell. */
  remedy: v.string(),
});

export const verdictSchema = v.strictObject({ ok: v.boolean(), problems: v.array(problem) });

/** Of the launches of an image, in a row. */
export const deathsSchema = v.strictObject({
  /** The path of the record, which need not be there; '' for a file that is no image of a store. */
  record: v.string(),
  count: v.number(),
  /** "signal 11", "status 3"; '' where there was none. */
  last: v.string(),
});

const check = v.strictObject({
  name: v.string(),
  ok: v.boolean(),
  detail: v.string(),
  remedy: v.string(),
});

export const checksSchema = v.array(check);

/** The words that both sides use. The launcher's own constants are compared with these by a test. */
export const vocabularySchema = v.strictObject({
  policyActions: v.array(v.string()),
  policyTypes: v.array(v.string()),
  cpus: v.array(v.string()),
  /** Of a launch, in their order. */
  phases: v.array(v.string()),
  /** What thaw-exec takes in $THAW_LOG. */
  logLevels: v.array(v.string()),
  /** The system calls that a launch makes, and when. */
  calls: v.array(v.strictObject({ when: v.string(), name: v.string() })),
  imageVersion: v.number(),
});

export const storeLayoutSchema = v.strictObject({
  /** The folder of the profiles, and of the index, and the link to a profile's image that launches use. */
  profiles: v.string(),
  index: v.string(),
  current: v.string(),
  /** The folder of records of early deaths, in a profile's folder. */
  deaths: v.string(),
  /** How the path of a file begins that says, until the next boot, that a launch was good; the image's id ends it. */
  goodSign: v.string(),
  /** A request for a new image, in a profile's folder. */
  rebuild: v.string(),
  /** The path of the store that all users' launches look into. */
  system: v.string(),
  /** The file of the device that requires signatures by the keys in it. */
  requireSignature: v.string(),
  /** The file of the device that requires fs-verity where signatures are required. */
  requireVerity: v.string(),
});

/** Either `whyNot` is '', or the other two are. */
export const knownRootSchema = v.strictObject({
  /** Why the file system stays as it is. */
  kind: v.string(),
  /** Why it is no root identity, with its name as the subject. */
  whyNot: v.string(),
  /** What names its content, as an image has it (`rootContent`). */
  content: v.string(),
});

export const machineSchema = v.strictObject({
  cpu: v.string(),
  cpuFeatureWords: v.string(),
  pageSize: v.number(),
});

export type KnownRoot = Told<typeof knownRootSchema>;
export type Machine = Told<typeof machineSchema>;
export type Exit = Told<typeof exitSchema>;
export type CheckpointReport = Told<typeof checkpointReportSchema>;
export type Problem = Told<typeof problem>;
export type Deaths = Told<typeof deathsSchema>;
export type Verdict = Told<typeof verdictSchema>;
export type Vocabulary = Told<typeof vocabularySchema>;
export type StoreLayout = Told<typeof storeLayoutSchema>;
export type Check = Told<typeof check>;
