// From the start of an app to the moment when it is warm.
import { setTimeout } from 'node:timers/promises';

import { isThere } from '../adapters/code.js';
import { type AdapterName, adapterOf, adapters } from '../adapters/index.js';
import { type Answer, AdapterSession, NoAnswer } from '../adapters/session.js';
import { App, type Limits } from '../app/app.js';
import { exercise } from '../app/exercise.js';
import type { Setting } from '../app/setting.js';
import { logOf, msSince } from '../log.js';
import type { Definition } from '../definition/schema.js';
import { type InputWatch, native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import type { Progress } from '../progress.js';
import { atRest, stillAtRest } from './at_rest.js';
import {
  type Prepared,
  type Ready,
  awaitedCall,
  expectFree,
  holds,
  prepare,
  waitFor,
} from './triggers/index.js';

const PATIENCE_MS = 1000;
const RETRY_MS = 20;

const appLog = logOf('app');

export interface WarmUp {
  readonly definition: Definition;
  readonly setting: Setting;
  /** File for what the app writes. */
  readonly log: string;
  readonly progress: Progress;
  readonly interrupt: AbortSignal;
  /** How many times the app has been started for its image, with this one. */
  readonly starts: number;
}

/** A warm app, what it told, and who watches its inputs, if anybody does. */
export interface Warm {
  readonly app: App;
  /** What it was started with, but for what thaw itself added (adapters). */
  readonly env: Setting['env'];
  readonly ready: Ready;
  readonly watch: InputWatch | undefined;
  /** Patterns of files that thaw itself has lent the app, and of what its runtime does not mind. */
  readonly lent: readonly string[];
}

/**
 * Starts the app, warms it up, and does `work` while it is warm. The app is gone afterwards, whatever happened.
 * @throws ThawError saying what held it up
 */
export async function whenWarm<T>(warmUp: WarmUp, work: (warm: Warm) => Promise<T>): Promise<T> {
  const { definition, setting, log } = warmUp;
  const { program, args, warmup, launch } = definition;
  const keepsPids = launch.pids !== 'corrected';
  expectFree(warmup.until);
  const prepared = prepare(warmup.until);
  const awaited = awaitedCall(warmup.until, setting.env);
  const adapter = await adapterFor(warmUp);
  try {
    const env = { ...setting.env, ...prepared.env };
    const watch = definition.inputs.watch
      ? native.inputWatch({
          policies: definition.policies,
          keepsPids,
          ...(awaited && { awaited: { ...awaited, hold: true } }),
        })
      : undefined;
    const warm = {
      ...setting,
      env: adapter?.env(env) ?? env,
      freshClocks: canStandStill(warmUp),
      kept: true,
      unusualPid: !keepsPids,
      largePid: !launch.keep_pid && !keepsPids,
      watchLookups: true,
    };
    const app = new App([program, ...args], warm, log, watch === undefined ? {} : { inputs: watch });
    let held = false;
    try {
      const ready = await warmed(app, prepared, watch, warmUp);
      held = holds(warmup.until);
      const asked = adapter !== undefined && !('callAddress' in ready);
      if (asked && watch !== undefined) await atRest(app, watch, warmUp);
      const frozen = asked ? await atSafePoint(app, adapter, warmUp) : ready;
      const stopped = asked && 'callAddress' in frozen;
      if (stopped && watch !== undefined) await stillAtRest(app, watch, warmUp);
      if (asked && adapter.settles) await settled(app, warmUp);
      adapter?.takeBack();
      const done = await work({
        app,
        env,
        ready: frozen,
        watch,
        lent: adapter?.ignored ?? [],
      });
      await app.kill(); // As the image has it: its end would write files that a launch finds changed.
      return done;
    } catch (error) {
      // Where it is held, its signals are blocked.
      await (held ? app.kill() : app.end());
      throw error;
    }
  } finally {
    adapter?.close();
    prepared.close();
  }
}

/** What a user launches has the clocks of the boot; an app whose clocks jump must have started with these. */
function canStandStill({ definition: { clocks }, setting }: WarmUp): boolean {
  return clocks === 'continue' || setting.account.uid === 0;
}

/** An app that calls thaw_checkpoint() itself puts right what it has to; in one that is held, no adapter can run. */
function nameOf({ adapter, program, warmup }: Definition): AdapterName | undefined {
  const name = adapterOf(adapter, program);
  if (holds(warmup.until)) return undefined;
  return name === undefined || warmup.until.kind !== 'call' || 'calls' in adapters[name] ? name : undefined;
}

/** @throws ThawError when the profile names one that is not there */
async function adapterFor({ definition, progress }: WarmUp): Promise<AdapterSession | undefined> {
  const name = nameOf(definition);
  const { adapter, program, warmup } = definition;
  const idle = holds(warmup.until) ? adapterOf(adapter, program) : undefined;
  if (idle !== undefined)
    await progress.step(
      'adapter',
      () => undefined,
      () =>
        `none: no code of the app runs where it is held (warmup.until): what ${idle} has cached stays, and all ` +
        'instances draw the same random numbers',
    );
  if (name === undefined || isThere(name)) return name === undefined ? undefined : new AdapterSession(name);
  const missing = `the ${name} adapter is not built`;
  const remedy = 'install openjdk-17-jdk-headless, and run npm run build:native';
  if (definition.adapter !== 'auto' || definition.launch.args === 'deliver')
    throw new ThawError(missing, { remedy });
  const told = `none: ${missing}, so that all instances draw the same random numbers: ${remedy}`;
  await progress.step(
    'adapter',
    () => undefined,
    () => told,
  );
  return undefined;
}

/** Has the adapter call for the checkpoint. Where nobody asked for it, an app that does not load it goes without. */
async function atSafePoint(
  app: App,
  adapter: AdapterSession,
  { definition, progress, interrupt }: WarmUp,
): Promise<Ready> {
  const called = async (): Promise<Answer | NoAnswer> => {
    try {
      const call = (signal: AbortSignal): Promise<Answer> => adapter.call(app.pid, signal);
      const limits = { what: 'adapter', timeoutMs: definition.warmup.timeoutMs, interrupt };
      return await app.during(call, limits);
    } catch (error) {
      if (error instanceof NoAnswer && definition.adapter === 'auto' && definition.launch.args !== 'deliver')
        return error;
      throw error;
    }
  };
  const result = await progress.step('adapter', called, (found) => toldOf(adapter.name, found));
  return result instanceof NoAnswer ? {} : { callAddress: result.address };
}

function toldOf(name: AdapterName, found: Answer | NoAnswer): string {
  if (found instanceof NoAnswer) return `${found.message}; what ${name} has cached stays`;
  if (found.unmended === '') return name;
  return `${name}; in all instances these draw the same numbers: ${found.unmended}. See docs/adapters.md`;
}

/** Resolves when the app is warm, has been exercised and was left alone for a while. */
async function warmed(
  app: App,
  prepared: Prepared,
  watch: InputWatch | undefined,
  warmUp: WarmUp,
): Promise<Ready> {
  const { definition, setting, log, progress, interrupt } = warmUp;
  const { until, run, timeoutMs } = definition.warmup;
  const limit = (what: string, remedy: string): Limits => ({ what, timeoutMs, interrupt, remedy });
  const begin = performance.now();
  const ready = await progress.step('start', () =>
    app.during(
      (signal) => waitFor(until, { ...prepared, pid: app.pid, log, watch, signal }),
      limit('start', 'see warmup.until and warmup.timeout in the profile'),
    ),
  );
  if (run.length > 0)
    await progress.step('exercise', () =>
      app.during(
        async (signal) => {
          await untilSupported(app.pid, signal);
          await exercise(run, setting, signal);
        },
        limit('exercise', 'see warmup.run and warmup.timeout in the profile'),
      ),
    );
  if (watch !== undefined) native.settleInputs(watch);
  await settled(app, warmUp);
  appLog.info({ pid: app.pid, profile: definition.name, until, ms: msSince(begin) }, 'warm');
  return ready;
}

function settled(app: App, { definition, progress, interrupt }: WarmUp): Promise<void> {
  const { settleMs, timeoutMs } = definition.warmup;
  return progress.step('settle', () =>
    app.during((signal) => setTimeout(settleMs, undefined, { signal }), {
      what: 'settle',
      timeoutMs: settleMs + timeoutMs,
      interrupt,
    }),
  );
}

/**
 * What no image can hold, such as a child, is told before the work of the warm-up is spent; a child that the app's start
 * needs may end meanwhile. @throws ThawError
 */
async function untilSupported(pid: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;)
    try {
      native.checkProcess(pid);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await setTimeout(RETRY_MS, undefined, { signal });
    }
}
