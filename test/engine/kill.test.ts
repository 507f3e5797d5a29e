// Killing the checkpointer at any moment: the app runs on unharmed or is gone, never with another's registers; an
// image is whole or not there. The same where the app is killed.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { type App, checkpointer } from './support/app.js';
import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';
import { sleep, until } from './support/process.js';
import { newSeed, Random } from './support/random.js';
import { statusField } from './support/status.js';
import { allowLargePids, childrenOf, killAll, processesOf } from './support/tree.js';

const kills = 100;
/** Each as long as this at most, in ms, but for a tenth of the kills: a busy machine kills less often. */
const enoughMs = 60_000;

function line(child: ChildProcess, wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes(`${wanted}\n`)) resolve();
    });
    // Not its exit, which may be told before what it has said last.
    child.once('close', () => {
      reject(new Error(`the checkpointer ended before "${wanted}"`));
    });
  });
}

/** Waits for `milliseconds`, which may be a fraction: timers are too coarse for a checkpoint of a few of them. */
function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Starts a checkpoint and kills it after `delay` milliseconds; null: lets it end. How long it lived, in ms. */
async function interruptedCheckpoint(app: App, delay: number | null): Promise<number> {
  return checkpoint(app, 'inherit', delay, (child) => child.kill('SIGKILL'));
}

/** Starts a checkpoint and calls `interrupt` after `delay` milliseconds; waits for its end. How long it lived, in ms. */
async function checkpoint(
  app: App,
  stderr: 'inherit' | number,
  delay: number | null,
  interrupt: (child: ChildProcess) => void,
): Promise<number> {
  const child = spawn(process.execPath, [checkpointer, String(app.running.pid), app.image], {
    stdio: ['pipe', 'pipe', stderr],
  });
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  const started = line(child, 'now');
  started.catch(() => undefined);
  await line(child, 'ready');
  child.stdin?.write('go\n');
  await started;
  const start = performance.now();
  if (delay !== null) {
    spin(delay);
    interrupt(child);
  }
  await ended;
  return performance.now() - start;
}

/** Whether the app still answers; false when it is cleanly gone. */
async function answers(t: ExecutionContext, app: App): Promise<boolean> {
  rmSync(app.status, { force: true });
  await until('an answer of the app', () => existsSync(app.status) || app.running.ended);
  await sleep(20); // What it was about to do when it was killed, it may still have done.
  if (app.running.ended) {
    const outcome = await app.running.outcome;
    t.deepEqual([outcome.signal, outcome.stderr], ['SIGKILL', ''], 'the app may only be gone by SIGKILL');
    return false;
  }
  t.is(statusField(app.running.pid, 'TracerPid'), '0');
  return true;
}

/** Kills it `kills` times. */
const killOften = (args: readonly string[], kills: number) => (t: ExecutionContext) =>
  withApp(t, { app: 'survivor', args }, self, async (app) => {
    t.timeout(600_000);
    const random = new Random(newSeed());
    t.log(`THAW_TEST_SEED=${random.seed}`);
    await app.start();
    const whole = await interruptedCheckpoint(app, null);
    t.true(existsSync(app.image), 'an undisturbed checkpoint writes its image');
    const seen = { unharmed: 0, gone: 0, images: 0 };
    const end = Date.now() + enoughMs;
    for (let i = 0; i < kills && (i < kills / 10 || Date.now() < end); i++) {
      rmSync(app.image, { force: true });
      await interruptedCheckpoint(app, random.next() * whole * 1.1);
      if (await answers(t, app)) {
        seen.unharmed++;
      } else {
        seen.gone++;
        await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => {
          t.fail(`left: ${processesOf(app.folder).join('\n')}`);
        });
        await app.start();
      }
      if (existsSync(app.image)) {
        seen.images++;
        // An image that is there is whole: it launches, and the app finds itself right.
        const launched = await app.launchAndHold();
        killAll(childrenOf(launched.pid));
        launched.kill();
        await launched.outcome;
      }
      await sleep(1);
    }
    t.log(
      `undisturbed ${whole.toFixed(1)} ms; ${seen.unharmed} times unharmed, ${seen.gone} times gone, ${seen.images} images`,
    );
    // Files that a killed checkpoint left aside must not look like images.
    t.deepEqual(
      readdirSync(app.folder).filter((name) => name.endsWith('.thaw') && name !== 'app.thaw'),
      [],
    );
    app.release();
    expectSuccess(t, 'the app in the end', await app.running.outcome);
  });

test(`the checkpointer is killed at up to ${kills} random moments`, killOften([], kills));

allowLargePids();
// Some processes that run on alone would be noticed by the others, or found when the app is gone.
test(
  `the checkpointer of several processes is killed at up to ${kills} random moments`,
  killOften(['4', '3'], kills),
);

test('the app is killed at random moments of its checkpoint', (t) =>
  withApp(t, { app: 'survivor', args: ['16'] }, self, async (app) => {
    const random = new Random(newSeed());
    t.log(`THAW_TEST_SEED=${random.seed}`);
    await app.start();
    const whole = await interruptedCheckpoint(app, null);
    const errors = join(app.folder, 'errors');
    const output = openSync(errors, 'a');
    for (let i = 0; i < 5; i++) {
      rmSync(app.image, { force: true });
      await checkpoint(app, output, random.next() * whole, () => {
        app.running.kill();
      });
      await app.running.outcome;
      if (existsSync(app.image)) {
        app.release();
        expectSuccess(t, 'launched from the image of an app that was killed', await app.launch().outcome);
        app.hold();
      }
      await app.start();
    }
    closeSync(output);
    const said = readFileSync(errors, 'utf8').trim().split('\n');
    t.deepEqual(
      said.filter((text) => text !== '' && !/ has ended during its checkpoint|no process/.test(text)),
      [],
    );
  }));
