// The course of every row: cold run, checkpoint, launches, checkpoint of what was restored, its launches.
import type { ExecutionContext } from 'ava';

import { App, type LaunchOptions, Skipped } from './app.js';
import { withRoomForApp } from './cores.js';
import type { Identity } from './identity.js';
import type { Outcome, Running } from './process.js';
import type { Row } from './rows.js';

export function title(row: Row, identity: Identity): string {
  return `${row.app}${row.about === undefined ? '' : ` (${row.about})`} as ${identity.name}`;
}

/** Runs `work` with an app, in turn with others; a kernel that cannot hold the state makes the test pass with a note. */
export async function withApp(
  t: ExecutionContext,
  row: Row,
  identity: Identity,
  work: (app: App) => Promise<void>,
): Promise<void> {
  await withRoomForApp(async () => {
    t.timeout(600_000); // From here: how long the apps before it take is no fault of this one.
    const app = new App(row.app, identity, row);
    try {
      await work(app);
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      t.log(error.message);
      t.pass();
    } finally {
      await app.end();
    }
  });
}

export function expectSuccess(t: ExecutionContext, what: string, outcome: Outcome): void {
  t.is(outcome.code, 0, `${what}: ${outcome.signal ?? `exit ${outcome.code}`}\n${outcome.stderr}`);
}

/** The app itself found what is wrong: it was launched, and failed. */
export function expectFailure(t: ExecutionContext, outcome: Outcome): void {
  t.not(outcome.code, 0, 'the app passed: its guard is not what keeps the hazard away');
  t.not(outcome.code, 125, `the launch was not possible: ${outcome.stderr}`);
}

async function launchSeveral(
  t: ExecutionContext,
  app: App,
  row: Row,
  what: string,
  count: number,
  image?: string,
): Promise<void> {
  const options: LaunchOptions = row.launch ?? {};
  for (let i = 1; i <= count; i++) expectSuccess(t, `${what} ${i}`, await app.launch(options, image).outcome);
}

/** Whether a pid can be told from other numbers in memory (native/proc/members.cc). */
function isTelling(pid: number): boolean {
  const ones = pid.toString(2).replaceAll('0', '').length;
  return pid >= 65536 && ones >= (pid % 2 === 1 ? 7 : 9);
}

/** A launch that is checkpointed in its turn. */
async function holdAgain(app: App, row: Row): Promise<Running> {
  for (;;) {
    const restored = await app.launchAndHold(row.launch);
    if (row.keepsPid !== true || isTelling(restored.pid)) return restored;
    restored.kill();
    await restored.outcome;
  }
}

/** The original goes on after a checkpoint, its launches pass, and so do those of a checkpoint of a launch. */
export async function checkRow(t: ExecutionContext, row: Row, identity: Identity): Promise<void> {
  await withApp(t, row, identity, async (app) => {
    // Root leaves the original running and sees it pass, too; the user has it ended by the checkpoint.
    const leaveRunning = identity.name === 'root' && row.launch?.flags?.includes('--keep-pid') !== true;
    await app.start();
    await app.checkpoint({ ...row, leaveRunning });
    app.release();
    if (leaveRunning) expectSuccess(t, 'the app that was left running', await app.running.outcome);
    await launchSeveral(t, app, row, 'launch', row.launches ?? 3);
    if (row.again === false) return;

    app.hold();
    const restored = await holdAgain(app, row);
    const second = `${app.image}.2`;
    const outcome = await app.tryCheckpoint(row, second, restored.pid);
    expectSuccess(t, 'checkpoint of a restored process', outcome);
    await restored.outcome;
    app.removeImage();
    app.release();
    await launchSeveral(t, app, row, 'launch of the second image', Math.min(2, row.launches ?? 2), second);
  });
}
