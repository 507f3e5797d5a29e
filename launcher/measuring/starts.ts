// Cold and warm starts of an installed profile, each until its app has answered.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { App, exitText } from '../app/app.js';
import { explained } from '../app/output.js';
import { type Setting, settingOf } from '../app/setting.js';
import type { Definition } from '../definition/schema.js';
import { native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import { type Phases, parsePhases } from '../phases.js';
import { Progress } from '../progress.js';
import { recordStarts } from '../store/history.js';
import { readersOf } from '../store/readers.js';
import type { Store } from '../store/store.js';
import type { Stores } from '../store/stores.js';
import { answer } from '../training/answer.js';
import { expectFree, isServer } from '../warmup/triggers/index.js';

const RETRY_MS = 5;

type Command = readonly [string, ...string[]];

export interface Starts {
  readonly name: string;
  /** Milliseconds of each start. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  readonly phases: readonly Phases[];
}

/** Starts it cold and warm in turn, `runs` times each, and as often again to see the phases of a launch. @throws ThawError */
export async function measure(
  stores: Stores,
  name: string,
  runs: number,
  trace: boolean,
  interrupt: AbortSignal,
): Promise<Starts> {
  const store = stores.of(name);
  const definition = store.definition(name);
  const setting = await settingOf(definition);
  const keeper = await madeKeeper(stores, name, setting);
  const log = join(keeper.folder(name), 'bench.log');
  const cold: Command = [definition.program, ...definition.args];
  const warm: Command = [
    ...([native.thawExec(), '--store', store.root, '--profile', name] as const),
    ...['--no-fallback', '--', ...cold],
  ];
  const progress = new Progress(name);
  const start = (
    what: string,
    command: Command,
    env: Setting['env'] = setting.env,
    then?: Afterwards,
  ): Promise<number> =>
    progress.step(what, () => untilAnswer(definition, command, { ...setting, env }, log, interrupt, then));
  const report = { name, cold: [] as number[], warm: [] as number[], phases: [] as Phases[] };
  try {
    for (let run = 1; run <= runs; run++) {
      report.cold.push(await start(`cold ${run} of ${runs}`, cold));
      report.warm.push(await start(`warm ${run} of ${runs}`, warm));
    }
    // Apart from the others: printing takes time.
    for (let run = 1; trace && run <= runs; run++) {
      await start(`traced ${run} of ${runs}`, warm, { ...setting.env, THAW_LOG: 'trace' }, (signal) =>
        phasesWritten(log, signal),
      );
      const phases = phasesIn(log);
      if (phases === undefined)
        throw new ThawError("the app's output holds no phases", {
          remedy: 'thaw verify says whether the image can be launched',
        });
      report.phases.push(phases);
    }
    recordStarts(keeper, name, { ...report, image: imageOf(store, name) });
    return report;
  } catch (error) {
    throw explained(name, log, error);
  }
}

/** Where log and history go. */
async function madeKeeper(stores: Stores, name: string, { account }: Setting): Promise<Store> {
  const keeper = stores.keeperOf(name);
  if (native.isReadOnly(keeper.root))
    throw new ThawError(`${keeper.root} is read-only: there is no place for what is measured of ${name}`, {
      remedy: `name a store behind it that can be written to: --store ${keeper.root} --store DIR`,
    });
  if (!existsSync(keeper.folder(name))) keeper.make(name, await readersOf(account));
  return keeper;
}

function imageOf(store: Store, name: string): string {
  return store.currentImages(name)[0]?.replace(/\.thaw$/, '') ?? '';
}

/** What is awaited between an app's answer and its end. */
type Afterwards = (signal: AbortSignal) => Promise<void>;

/** Starts the app, waits for its answer, ends it. @returns milliseconds until the answer @throws ThawError */
async function untilAnswer(
  definition: Definition,
  command: Command,
  setting: Setting,
  log: string,
  interrupt: AbortSignal,
  then?: Afterwards,
): Promise<number> {
  const { warmup, train } = definition;
  expectFree(warmup.until);
  const begin = performance.now();
  const app = new App(command, setting, log);
  const sinceBegin = (): number => performance.now() - begin;
  try {
    if (!isServer(warmup.until) && train.run.length === 0) {
      await endsWell(app, warmup.timeoutMs, interrupt);
      return sinceBegin();
    }
    const work = async (signal: AbortSignal): Promise<number> => {
      await answer(definition, app.pid, setting, signal);
      const milliseconds = sinceBegin();
      await then?.(signal);
      return milliseconds;
    };
    return await app.during(work, {
      what: 'start',
      timeoutMs: warmup.timeoutMs,
      interrupt,
      remedy: "the app does not pass the profile's train.run, or does not listen on its port",
    });
  } finally {
    await app.end();
  }
}

/** What the app does until it has ended is its answer. */
async function endsWell(app: App, timeoutMs: number, interrupt: AbortSignal): Promise<void> {
  // No AbortSignal.any(): in Node.js 20 a timeout that only it knows is collected, and never fires.
  const time = AbortSignal.timeout(timeoutMs);
  const stopped = new Promise<undefined>((resolve) => {
    for (const stop of [time, interrupt])
      stop.addEventListener('abort', () => {
        resolve(undefined);
      });
  });
  const exit = await Promise.race([app.exit, stopped]);
  interrupt.throwIfAborted();
  if (exit === undefined)
    throw new ThawError('nothing tells when the app has answered', {
      remedy: 'name a command that it must answer in train.run of the profile',
    });
  if (exit.code !== 0) throw new ThawError(`the app ended with ${exitText(exit)}`);
}

/** The app's sockets listen before its threads run: it may be found before the launch has told its phases. */
async function phasesWritten(log: string, signal: AbortSignal): Promise<void> {
  while (phasesIn(log) === undefined) await setTimeout(RETRY_MS, undefined, { signal });
}

function phasesIn(log: string): Phases | undefined {
  return parsePhases(readFileSync(log, 'utf8'));
}
