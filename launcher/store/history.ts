// What is kept of a profile's builds and measurements: a line of JSON each, the newest last, in its folder.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Image } from '../engine/index.js';
import { logOf } from '../log.js';
import { messageOf } from '../errors.js';
import type { Phases } from '../phases.js';
import type { StepTime } from '../progress.js';
import type { Readers } from './readers.js';
import { replaceFile } from './replace.js';
import type { Store } from './store.js';

/** Of each kind of entry. */
const MOST = 100;

export interface BuildEntry {
  readonly kind: 'build';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly image: string;
  /** Bytes. */
  readonly onDisk: number;
  readonly stored: number;
  readonly workingSet: number;
  /** Bytes that the build wrote, of all images and each time; earlier versions have not recorded it. */
  readonly wrote?: number;
  /** How long each step took but the last ones, in order; earlier versions have not recorded it. */
  readonly steps?: readonly StepTime[];
}

/** A build that failed; the image from before is still in place. */
export interface FailureEntry {
  readonly kind: 'failure';
  readonly at: number;
  readonly error: string;
  /** Bytes that it had written of images. */
  readonly onDisk: number;
}

export interface StartsEntry {
  readonly kind: 'starts';
  readonly at: number;
  readonly image: string;
  /** Milliseconds of each start. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  /** Microseconds. */
  readonly phases: readonly Phases[];
}

export type HistoryEntry = BuildEntry | FailureEntry | StartsEntry;

/** The oldest first; none where nothing was recorded. */
export function historyOf(store: Store, name: string): readonly HistoryEntry[] {
  try {
    return readFileSync(file(store, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as HistoryEntry);
  } catch {
    return [];
  }
}

/** How long the steps of the last build took; none where that is not known. */
export function lastSteps(store: Store, name: string): readonly StepTime[] {
  const builds = historyOf(store, name).filter((entry) => entry.kind === 'build');
  return builds.at(-1)?.steps ?? [];
}

export function recordBuild(
  store: Store,
  name: string,
  { header, requirements, sizes, workingSet }: Image,
  { steps, wrote }: { readonly steps: readonly StepTime[]; readonly wrote: number },
  readers: Readers | undefined,
): void {
  record(
    store,
    name,
    {
      kind: 'build',
      at: requirements.madeAtMs,
      image: header.id,
      onDisk: sizes.onDisk,
      stored: sizes.stored,
      workingSet: (workingSet.readPages + workingSet.writtenPages) * header.pageSize,
      wrote,
      steps: steps.map((step) => ({ name: step.name, ms: Math.round(step.ms) })),
    },
    readers,
  );
}

/** Of a profile that is in the store; another has no folder. */
export function recordFailure(store: Store, name: string, error: string, onDisk: number): void {
  if (store.has(name)) record(store, name, { kind: 'failure', at: Date.now(), error, onDisk }, undefined);
}

export function recordStarts(
  store: Store,
  name: string,
  { image, cold, warm, phases }: Omit<StartsEntry, 'kind' | 'at'>,
): void {
  record(store, name, { kind: 'starts', at: Date.now(), image, cold, warm, phases }, undefined);
}

function file(store: Store, name: string): string {
  return join(store.folder(name), 'history.jsonl');
}

/** A store that cannot be written has no history, and is none the worse for it. */
function record(store: Store, name: string, entry: HistoryEntry, readers: Readers | undefined): void {
  const all = [...historyOf(store, name), entry];
  const kept = all.filter((one, i) => all.slice(i).filter(({ kind }) => kind === one.kind).length <= MOST);
  try {
    replaceFile(file(store, name), kept.map((one) => `${JSON.stringify(one)}\n`).join(''), readers);
  } catch (error) {
    logOf('store').warn({ profile: name, error: messageOf(error) }, 'the history is not kept');
  }
}
