// One profile, as the daemon sees it: its image, what is wrong with it, and what was tried.
import type { Definition } from '../definition/schema.js';
import { type Image, native } from '../engine/index.js';
import { historyOf } from '../store/history.js';
import { ticksNow } from '../instances/processes.js';
import { realPath } from '../store/store.js';
import type { Stores } from '../store/stores.js';
import { type Attempt, attemptsOf, failuresInRow } from './attempts.js';
import { type Stale, staleness } from './freshness.js';
import type { Known } from './launches.js';
import type { Wait } from './limits.js';
import type { Counts, ProfileStatus } from './status.js';

export class Profile {
  stale: Stale | undefined;
  /** Before this moment (steady.ts), nothing is built: devices that were updated together do not build together. */
  due = 0;
  /** When something was last seen to happen to its inputs; undefined: nothing since it was looked at. */
  changedAt: number | undefined;
  /** Somebody has asked for a build, whatever stands in its way. */
  asked = false;
  building = false;
  waits: readonly Wait[] = [];
  readonly counts: { -readonly [K in keyof Counts]: Counts[K] } = {
    warm: 0,
    cold: {},
    rebuilt: 0,
    failed: 0,
  };
  images: readonly Image[] = [];
  /** Since when the first of them is known: as `started` of a process. */
  #since = 0;
  /** Attempts that have left nothing in the history. */
  readonly #unrecorded: Attempt[] = [];
  #attempts: readonly Attempt[] = [];
  /** What the history has of the last attempt; dates alone say nothing when a clock is set back. */
  lastRecord: string | undefined;
  #definition: Definition | undefined;

  constructor(
    readonly name: string,
    readonly stores: Stores,
  ) {}

  /** Reads anew all that the stores have of it. */
  look(): void {
    this.changedAt = undefined;
    this.stale = staleness(this.stores, this.name);
    this.lookAtHistory();
    const store = this.stores.of(this.name);
    const before = this.images[0]?.header.id;
    this.images = store.allCurrent(this.name).flatMap((path) => imageAt(path));
    if (this.images[0]?.header.id !== before) this.#since = ticksNow();
    try {
      this.#definition = store.definition(this.name);
    } catch {
      this.#definition = undefined; // A rebuild will say so.
    }
  }

  lookAtHistory(): void {
    const recorded = attemptsOf(historyOf(this.stores.writable, this.name));
    this.lastRecord = recorded.length === 0 ? undefined : JSON.stringify(recorded.at(-1));
    this.#attempts = [...recorded, ...this.#unrecorded].sort((a, b) => a.at - b.at);
  }

  /** A build has failed that began when `before` was the last record; it has told why itself, unless it was killed. */
  noteFailure(before: string | undefined, said: string): void {
    this.lookAtHistory();
    if (this.lastRecord !== before) return;
    this.#unrecorded.push({ at: Date.now(), failed: true, wrote: 0, error: said });
    this.lookAtHistory();
  }

  /** The oldest first. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** What the next build writes, in bytes, as far as that can be known: what the last good one wrote. */
  get writes(): number {
    return this.attempts.filter(({ failed }) => !failed).at(-1)?.wrote ?? this.onDisk;
  }

  /** Of all images, in bytes. */
  get onDisk(): number {
    return this.images.reduce((sum, { sizes }) => sum + sizes.onDisk, 0);
  }

  /** What launches of it are known by; none without a definition. */
  get known(): readonly Known[] {
    const [image] = this.images;
    if (this.#definition === undefined || image === undefined) return [];
    const { name } = this;
    return [
      {
        name,
        definition: this.#definition,
        images: this.stores.all.flatMap((store) => store.images(name)),
        folders: [realPath(this.#definition.cwd), ...image.processes.slice(0, 1).map(({ cwd }) => cwd)],
        since: this.#since,
      },
    ];
  }

  countCold(reason: string): void {
    const { cold } = this.counts;
    this.counts.cold = { ...cold, [reason]: (cold[reason] ?? 0) + 1 };
  }

  status(running: number): ProfileStatus & { readonly counts: Counts } {
    const [image] = this.images;
    const failures = failuresInRow(this.attempts);
    return {
      name: this.name,
      image: image?.header.id ?? null,
      madeAt: image?.requirements.madeAtMs ?? null,
      onDisk: this.onDisk,
      stale: this.stale ?? null,
      waits: this.waits,
      building: this.building,
      failures,
      error: failures === 0 ? null : (this.attempts.at(-1)?.error ?? null),
      running,
      counts: this.counts,
    };
  }
}

function imageAt(path: string): Image[] {
  try {
    return [native.show(path)];
  } catch {
    return []; // That it cannot be read is what staleness() says of it.
  }
}
