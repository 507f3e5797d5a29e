// What the daemon knows, as it is told to others: over its interface, and as metrics.
import type { Wait } from './limits.js';
import type { Stale } from './freshness.js';

export interface ProfileStatus {
  readonly name: string;
  /** The id of the image that launches use; null: there is none. */
  readonly image: string | null;
  /** Milliseconds since 1970. */
  readonly madeAt: number | null;
  /** Of all its images, in bytes. */
  readonly onDisk: number;
  /** Why launches want a new image; null: they do not. */
  readonly stale: Stale | null;
  /** What a rebuild waits for. */
  readonly waits: readonly Wait[];
  readonly building: boolean;
  /** Builds that have failed since one went well, and what the last of them said. */
  readonly failures: number;
  readonly error: string | null;
  /** Running instances of its images. */
  readonly running: number;
}

export interface Counts {
  /** Launches that were seen. */
  readonly warm: number;
  /** By the condition that stood in the way, as far as it was seen. */
  readonly cold: Readonly<Record<string, number>>;
  readonly rebuilt: number;
  readonly failed: number;
}

/** Launches that were seen to start cold, for whatever reason. */
export function coldLaunches({ cold }: Counts): number {
  return Object.values(cold).reduce((sum, number) => sum + number, 0);
}

export interface Status {
  /** `watching`, `building` or `paused`. */
  readonly state: string;
  /** Milliseconds since 1970; null: not paused, or until it is ended. */
  readonly pausedUntil: number | null;
  /** Folders that are watched, and those that cannot be. */
  readonly watched: number;
  readonly unwatched: number;
  /** Bytes that builds have written in the last day. */
  readonly writtenToday: number;
  readonly profiles: readonly (ProfileStatus & { readonly counts: Counts })[];
}
