// thaw bench: cold against warm starts of an installed profile.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { command, print, printJson } from '../command.js';
import type { Definition } from '../definition/schema.js';
import { ThawError } from '../errors.js';
import { interruptibly } from '../interruption.js';
import { native } from '../engine/index.js';
import { countOr, flag, json, store } from '../options.js';
import { PHASES, parsePhases, untilResume, type Phases } from '../phases.js';
import { Progress } from '../progress.js';
import { median, summary } from '../statistics.js';
import { Store } from '../store/store.js';
import { table } from '../columns.js';
import { App, exitText } from '../app/app.js';
import { expectFree, isServer } from '../warmup/triggers/index.js';
import { explained } from '../app/output.js';
import { type Setting, settingOf } from '../app/setting.js';
import { answer } from '../training/answer.js';

const RETRY_MS = 5;

type Command = readonly [string, ...string[]];

interface Report {
  readonly name: string;
  /** Milliseconds of each start. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  readonly phases: readonly Phases[];
}

export default command({
  about:
    'Starts the app of a profile cold and warm in turn and prints how long each takes until it listens on its port (if the ' +
    'profile waits for one) and the commands of its [train] section, else of warmup.run, have succeeded; of an app with ' +
    'neither, until it has ended. The time of the commands is part of both. No instance may serve the port meanwhile.',
  options: {
    store,
    json,
    runs: countOr('--runs <N>', 'how often each is started', 5),
    trace: flag(
      '--trace',
      "more warm launches, with the time of their phases: from thaw-exec's main() until every thread runs again",
    ),
  },
  operands: ['<NAME>'],
  run({ store, json, runs, trace }, [name]) {
    return interruptibly(async (signal) => {
      const report = await measure(new Store(store), name, runs, trace, signal);
      if (json) printJson(report);
      else print(text(report));
      return 0;
    });
  },
});

async function measure(
  store: Store,
  name: string,
  runs: number,
  trace: boolean,
  interrupt: AbortSignal,
): Promise<Report> {
  const definition = store.definition(name);
  const setting = await settingOf(definition);
  const log = join(store.folder(name), 'bench.log');
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
    return report;
  } catch (error) {
    throw explained(name, log, error);
  }
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

function text({ cold, warm, phases }: Report): string {
  const ratio = `${(median(cold) / median(warm)).toFixed(1)} times faster\n`;
  const starts = times([
    ['cold', cold],
    ['warm', warm],
  ]);
  if (phases.length === 0) return starts + ratio;
  const rows = PHASES.map((phase) => [phase, phases.map((one) => one[phase] / 1000)] as const);
  const resume = ['until resume', phases.map((one) => untilResume(one) / 1000)] as const;
  return `${starts}${ratio}\n${times([...rows, resume])}`;
}

/** Medians and quartiles in milliseconds. */
function times(rows: readonly (readonly [string, readonly number[]])[]): string {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  return table(
    [{ title: 'WHAT' }, { title: 'MEDIAN', right: true }, { title: 'QUARTILES', right: true }],
    rows.map(([what, values]) => {
      const { median, low, high } = summary(values);
      return [what, ms(median), `${ms(low)} .. ${ms(high)}`];
    }),
  );
}
