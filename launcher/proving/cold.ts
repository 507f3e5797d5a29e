// The app as it is without thaw: what a launch from the image is compared with.
import { App, type Ending } from '../app/app.js';
import type { ImageLaunch } from '../app/launch.js';
import { native } from '../engine/index.js';
import { messageOf } from '../errors.js';
import { logOf, msSince } from '../log.js';
import { awaitedCall, expectFree, prepare, waitFor } from '../warmup/triggers/index.js';
import type { Shown } from './differences.js';
import { type HttpAnswer, httpAnswer } from './http_date.js';
import { ALIVE_MS, END_MS, look, staysAlive } from './instance.js';

export interface Cold {
  readonly shown: Shown;
  /** Where its port answers HTTP. */
  readonly http: HttpAnswer | undefined;
  /** Without an exit where there is nothing to compare with. */
  readonly ending: Ending;
}

/** Some triggers fire before the app answers. */
const START_MS = 2000;

const provingLog = logOf('proving');

/**
 * Starts the app, has `commands` asked, and asks it to end. Undefined where that does not go well: an app that has been there
 * before, as files of its own tell it, may take another way. @throws ThawError when the user interrupts
 */
export async function coldStart(launch: ImageLaunch, commands: readonly string[]): Promise<Cold | undefined> {
  const { definition, setting, log, interrupt } = launch;
  const { program, args, warmup } = definition;
  const begin = performance.now();
  const prepared = prepare(warmup.until);
  try {
    expectFree(warmup.until);
    const env = { ...setting.env, ...prepared.env };
    const awaited = awaitedCall(warmup.until, setting.env);
    const watch = awaited && native.inputWatch({ awaited: { ...awaited, hold: false } });
    const watchers = watch === undefined ? {} : { inputs: watch };
    const app = new App([program, ...args], { ...setting, env, kept: true }, log, watchers);
    try {
      const shown = await app.during(
        async (signal) => {
          await waitFor(warmup.until, { ...prepared, pid: app.pid, log, watch, signal });
          const deadline = performance.now() + START_MS;
          return look(app, commands, launch, signal, () => performance.now() < deadline);
        },
        { what: 'cold start', timeoutMs: warmup.timeoutMs, interrupt },
      );
      const { until } = warmup;
      const http = until.kind === 'port' ? await httpAnswer(until.value, interrupt) : undefined;
      // SIGTERM before it is up would end it otherwise than later. What ends by itself meanwhile was not asked to.
      const stays = await staysAlive(app, Math.max(warmup.settleMs, ALIVE_MS), interrupt);
      return { shown, http, ending: stays ? await app.end(END_MS) : { exit: undefined, ms: 0 } };
    } finally {
      await app.kill();
      provingLog.debug({ pid: app.pid, ms: msSince(begin) }, 'started cold');
    }
  } catch (error) {
    interrupt.throwIfAborted();
    provingLog.warn({ reason: messageOf(error) }, 'nothing to compare with: the cold start failed');
    return undefined;
  } finally {
    prepared.close();
  }
}
