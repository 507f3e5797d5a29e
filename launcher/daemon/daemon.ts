// thawd: looks at the images of its stores, and has those built again that launches no longer take, one at a time, when
// nothing speaks against it. Launches know nothing of it.

import { messageOf } from '../errors.js';
import { removeLeftovers, removeUnused } from '../store/install.js';
import { freeIn } from '../store/room.js';
import type { Stores } from '../store/stores.js';
import { usage } from '../store/usage.js';
import { failuresInRow, nextAttempt, writtenToday } from './attempts.js';
import { InputWatch } from './input_watch.js';
import { Launches } from './launches.js';
import { type Limits, type Wait, waits } from './limits.js';
import { Profile } from './profile.js';
import { readings } from './readings.js';
import type { Rebuild } from './rebuild.js';
import type { Status } from './status.js';
import { dateOf, steadyNow } from './steady.js';
import type { Tell } from './told.js';

export interface Settings {
  /** Folder with `proc` and `sys`. */
  readonly machine: string;
  readonly limits: Limits;
  /** All in milliseconds. How often everything is looked at, */
  readonly lookMs: number;
  /** and what waits, and which processes there are. */
  readonly tickMs: number;
  /** How long inputs must have been left alone: an update of packages shall be over. */
  readonly settleMs: number;
  /** A rebuild begins after a random part of it. */
  readonly delayMs: number;
  readonly retryMs: number;
}

export class Daemon {
  readonly #profiles = new Map<string, Profile>();
  readonly #launches = new Launches();
  readonly #inputs = new InputWatch((name) => {
    const profile = this.#profiles.get(name);
    if (profile !== undefined) profile.changedAt = steadyNow();
  });
  /** Steady; Infinity: until it is ended. */
  #pausedUntil = 0;
  #nextLook = 0;
  #wake: () => void = () => undefined;

  constructor(
    private readonly stores: Stores,
    private readonly settings: Settings,
    private readonly rebuild: Rebuild,
    private readonly tell: Tell,
    /** Is told after each step. */
    private readonly publish: (status: Status) => void,
  ) {}

  /** Until `interrupt` is aborted. */
  async run(interrupt: AbortSignal): Promise<void> {
    const wake = (): void => {
      this.#wake();
    };
    interrupt.addEventListener('abort', wake);
    try {
      while (!interrupt.aborted) {
        this.#look();
        this.#countLaunches();
        const next = this.#nextToBuild();
        this.publish(this.status());
        if (next === undefined) await this.#sleep(this.settings.tickMs);
        else await this.#build(next, interrupt);
      }
    } finally {
      this.#inputs.close();
      interrupt.removeEventListener('abort', wake);
    }
  }

  status(): Status {
    const profiles = [...this.#profiles.values()];
    const building = profiles.some((profile) => profile.building);
    const paused = steadyNow() < this.#pausedUntil;
    return {
      state: building ? 'building' : paused ? 'paused' : 'watching',
      pausedUntil:
        paused && Number.isFinite(this.#pausedUntil) ? Math.round(dateOf(this.#pausedUntil)) : null,
      watched: this.#inputs.watched,
      unwatched: this.#inputs.unwatched,
      writtenToday: this.#writtenToday(),
      profiles: profiles.map((profile) => profile.status(this.#launches.running(profile.name))),
    };
  }

  /** False: there is no such profile. */
  rebuildNow(name: string): boolean {
    if (!this.stores.names().includes(name)) return false;
    this.#profile(name).asked = true;
    this.#wake();
    return true;
  }

  pause(ms: number | undefined): void {
    this.#pausedUntil = ms === undefined ? Infinity : steadyNow() + ms;
    this.tell('notice', `paused${ms === undefined ? '' : ` for ${ms / 1000} s`}`);
    this.#wake();
  }

  resume(): void {
    this.#pausedUntil = 0;
    this.tell('notice', 'goes on');
    this.#wake();
  }

  #profile(name: string): Profile {
    const profile = this.#profiles.get(name) ?? new Profile(name, this.stores);
    this.#profiles.set(name, profile);
    return profile;
  }

  /** At everything now and then; in between at what something has happened to. */
  #look(): void {
    const now = steadyNow();
    const all = now >= this.#nextLook;
    if (all) {
      this.#nextLook = now + this.settings.lookMs;
      const names = this.stores.names();
      for (const name of this.#profiles.keys()) if (!names.includes(name)) this.#profiles.delete(name);
      for (const name of names) this.#profile(name);
      this.#tidy();
    }
    const rows = [...this.#profiles.values()].filter(
      ({ changedAt }) => all || (changedAt !== undefined && now - changedAt >= this.settings.settleMs),
    );
    for (const profile of rows) this.#lookAt(profile);
    // A launch's request is one file: whether it is there is quickly known.
    for (const profile of this.#profiles.values())
      if (profile.stale === undefined && this.stores.writable.rebuildReason(profile.name) !== undefined)
        this.#lookAt(profile);
    if (rows.length > 0) this.#watchInputs();
  }

  #watchInputs(): void {
    this.#inputs.set(new Map([...this.#profiles.values()].map(({ name, images }) => [name, images])));
  }

  #lookAt(profile: Profile): void {
    const before = profile.stale;
    profile.look();
    const { name, stale } = profile;
    if (stale === undefined || before !== undefined) return;
    profile.due = steadyNow() + Math.random() * this.settings.delayMs;
    const fields = { PROFILE: name, CONDITION: stale.condition, REASON: stale.what };
    this.tell('notice', `${name}: launches want a new image: ${stale.what}`, fields);
  }

  /** Old images that nobody runs any more, and what builds have left that were killed or cut off. */
  #tidy(): void {
    const store = this.stores.writable;
    const users = usage();
    for (const name of store.names())
      try {
        removeLeftovers(store, name);
        removeUnused(store, name, users);
      } catch (error) {
        this.tell('warning', `${name}: cannot tidy up: ${messageOf(error)}`, { PROFILE: name });
      }
  }

  #countLaunches(): void {
    const profiles = [...this.#profiles.values()];
    for (const { profile: name, warm } of this.#launches.look(profiles.flatMap(({ known }) => known))) {
      const profile = this.#profile(name);
      if (warm) profile.counts.warm++;
      else {
        // What it found in its way may be there still, and may be no news of the last look.
        this.#lookAt(profile);
        profile.countCold(profile.stale?.condition ?? 'caller');
      }
    }
  }

  #nextToBuild(): Profile | undefined {
    const candidates = [...this.#profiles.values()].sort((a, b) => a.due - b.due);
    let ready: Profile | undefined;
    for (const profile of candidates) {
      profile.waits = profile.asked || profile.stale === undefined ? [] : this.#waitsOf(profile);
      if (profile.asked || (profile.stale !== undefined && profile.waits.length === 0)) ready ??= profile;
    }
    return ready;
  }

  #waitsOf(profile: Profile): Wait[] {
    const { machine, limits, retryMs } = this.settings;
    const [now, steady] = [Date.now(), steadyNow()];
    const next = nextAttempt(profile.attempts, now, retryMs);
    const failures = failuresInRow(profile.attempts);
    const until = (ms: number): string => `until ${new Date(ms).toISOString()}`;
    const builds = failures === 0 ? 'it was built a short while ago' : `${failures} builds have failed`;
    return [
      ...(steady < this.#pausedUntil ? [{ name: 'paused', why: 'somebody has paused the daemon' }] : []),
      ...(steady < profile.due ? [{ name: 'delay', why: until(dateOf(profile.due)) }] : []),
      ...(now < next ? [{ name: 'attempts', why: `${builds}: ${until(next)}` }] : []),
      ...waits(readings(machine), limits, {
        images: profile.onDisk,
        writes: profile.writes,
        writtenToday: this.#writtenToday(),
        free: freeIn(this.stores.writable.root),
      }),
    ];
  }

  #writtenToday(): number {
    const now = Date.now();
    return [...this.#profiles.values()].reduce((sum, { attempts }) => sum + writtenToday(attempts, now), 0);
  }

  async #build(profile: Profile, interrupt: AbortSignal): Promise<void> {
    const { name } = profile;
    const begin = steadyNow();
    const before = profile.lastRecord;
    profile.asked = false;
    profile.building = true;
    this.tell('info', `${name}: builds a new image`, { PROFILE: name });
    this.publish(this.status());
    // Launches go on meanwhile, and those of the old image could not be told from others later.
    const meanwhile = setInterval(() => {
      this.#countLaunches();
      this.publish(this.status());
    }, this.settings.tickMs);
    const { ok, said } = await this.rebuild(name, interrupt);
    clearInterval(meanwhile);
    profile.building = false;
    if (interrupt.aborted) return;
    if (ok) this.#built(profile, begin);
    else this.#failed(profile, before, said);
  }

  #built(profile: Profile, begin: number): void {
    profile.counts.rebuilt++;
    profile.stale = undefined;
    this.#lookAt(profile);
    const image = profile.images[0]?.header.id ?? '';
    const seconds = Math.round((steadyNow() - begin) / 1000);
    this.tell('notice', `${profile.name}: has a new image, after ${seconds} s`, {
      PROFILE: profile.name,
      IMAGE: image,
    });
    this.#watchInputs();
  }

  #failed(profile: Profile, before: string | undefined, said: string): void {
    profile.counts.failed++;
    profile.noteFailure(before, said);
    const { name, attempts } = profile;
    const error = attempts.at(-1)?.error ?? said;
    const next = new Date(nextAttempt(attempts, Date.now(), this.settings.retryMs)).toISOString();
    this.tell('error', `${name}: the build failed, the image stays; once more after ${next}: ${error}`, {
      PROFILE: name,
      ERROR: error,
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
