// From a definition to an installed image: start, warm up, checkpoint, train, prove, install. Until the last step the old
// image stays what it was.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import type { Definition } from '../definition/definition.js';
import { type CheckpointReport, environmentList, native } from '../native.js';
import type { Progress } from '../progress.js';
import { asidePath, install } from '../store/install.js';
import type { Store } from '../store/store.js';
import { size } from '../table.js';
import { App, type Limits, type Setting } from '../app/app.js';
import { exercise } from '../app/exercise.js';
import { expectFree } from '../warmup/triggers/listening.js';
import { explained, trainAndProve } from './qualify.js';
import { settingOf } from '../app/setting.js';
import { prepare, waitFor } from '../warmup/triggers/index.js';

export interface Built {
  readonly name: string;
  readonly image: string;
  readonly id: string;
  readonly onDisk: number;
  readonly report: CheckpointReport;
}

/** One build of one profile. */
export class Build {
  readonly #folder: string;
  readonly #aside: string;
  /** What the app at work writes to. */
  #log: string;

  constructor(
    readonly definition: Definition,
    readonly store: Store,
    readonly progress: Progress,
    readonly interrupt: AbortSignal,
    readonly guardsOff: readonly string[],
  ) {
    this.#folder = store.folder(definition.name);
    this.#aside = asidePath(store, definition.name);
    this.#log = join(this.#folder, 'warmup.log');
  }

  /** @throws ThawError saying what held it up, with the last lines of the app's output */
  async run(): Promise<Built> {
    const { definition, store } = this;
    native.checkKernel();
    store.make(definition.name);
    rmSync(this.#log, { force: true });
    try {
      const setting = await settingOf(definition);
      const report = await this.#checkpointWarm(setting);
      this.#log = join(this.#folder, 'trial.log');
      await trainAndProve(definition, this.#aside, setting, this.#log, this.progress, this.interrupt);
      const image = await this.progress.step('install', () =>
        Promise.resolve(install(store, definition, this.#aside)),
      );
      const { header, sizes } = native.show(image);
      return { name: definition.name, image, id: header.id, onDisk: sizes.onDisk, report };
    } catch (error) {
      throw explained(definition.name, this.#log, error);
    } finally {
      rmSync(this.#aside, { force: true });
    }
  }

  /** Starts the app, warms it up and writes its image aside. The app is gone afterwards, whatever happened. */
  async #checkpointWarm(setting: Setting): Promise<CheckpointReport> {
    const { definition, progress } = this;
    const { until, run, settleMs, timeoutMs } = definition.warmup;
    const limit = (what: string, remedy: string): Limits => ({
      what,
      timeoutMs,
      interrupt: this.interrupt,
      remedy,
    });
    expectFree(until);
    const context = prepare(until);
    const warm = { ...setting, env: { ...setting.env, ...context.env }, freshClocks: true };
    const app = new App([definition.program, ...definition.args], warm, this.#log);
    try {
      const ready = await progress.step('start', () =>
        app.during(
          (signal) => waitFor(until, { ...context, pid: app.pid, log: this.#log, signal }),
          limit('start', 'see warmup.until and warmup.timeout in the profile'),
        ),
      );
      if (run.length > 0)
        await progress.step('exercise', () =>
          app.during(
            (signal) => exercise(run, setting, signal),
            limit('exercise', 'see warmup.run and warmup.timeout in the profile'),
          ),
        );
      await progress.step('settle', () =>
        app.during((signal) => setTimeout(settleMs, undefined, { signal }), {
          ...limit('settle', ''),
          timeoutMs: settleMs + timeoutMs,
        }),
      );
      return await progress.step(
        'checkpoint',
        () => this.#checkpoint(app, ready.callAddress),
        (report) => size(report.storedBytes),
      );
    } finally {
      await app.end();
      context.close();
    }
  }

  async #checkpoint(app: App, callAddress: string | undefined): Promise<CheckpointReport> {
    const { name, program, args, env, cwd, policies, launch } = this.definition;
    this.interrupt.throwIfAborted();
    const report = await native.checkpoint({
      pid: app.pid,
      image: this.#aside,
      leaveRunning: false,
      policies,
      program,
      args: [program, ...args],
      env: environmentList(env),
      cwd,
      profile: name,
      deliver: launch.args === 'deliver',
      inherit: launch.inherit,
      ...(callAddress === undefined ? {} : { callAddress }),
      guardsOff: this.guardsOff,
    });
    this.interrupt.throwIfAborted(); // It could not be stopped in between.
    return report;
  }
}
