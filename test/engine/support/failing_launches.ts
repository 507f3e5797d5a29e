// Launches that something goes wrong in: a system call fails, or somebody kills them.
import type { ExecutionContext } from 'ava';
import { join } from 'node:path';

import type { App } from './app.js';
import { apps, thawExec } from './paths.js';
import { sleep } from './process.js';
import { newSeed, Random } from './random.js';

/**
 * Launches the image as often as its processes make system calls, and another one fails each time as `failure` says
 * (test/apps/fail_call.c). @returns how many of these launches were warm, and how many cold
 * @throws Error with what was said, where an app did not start, or not as exec would have started it
 */
export async function failEachCall(
  app: App,
  failure: number | string,
): Promise<{ readonly warm: number; readonly cold: number }> {
  const launch = [thawExec, '--image', app.image, '--', ...app.command];
  const command = [join(apps, 'fail_call'), String(failure), ...launch];
  const { code, signal, stdout, stderr } = await app.runAs(command, { timeout: 300_000 });
  if (code !== 0) throw new Error(`${failure}: ${signal ?? ''}\n${stdout}\n${stderr}`);
  const [, warm, cold] = /(\d+) warm, (\d+) cold, 0 wrong\n$/.exec(stdout) ?? [];
  return { warm: Number(warm), cold: Number(cold) };
}

/** SIGKILL of `count` launches, each at some moment of its first `withinMs`; after each of them `check`. */
export async function killLaunches(
  t: ExecutionContext,
  app: App,
  count: number,
  withinMs: number,
  check: () => Promise<void>,
): Promise<void> {
  const random = new Random(newSeed());
  t.log(`THAW_TEST_SEED=${random.seed}`);
  for (let i = 0; i < count; i++) {
    const running = app.launch();
    await sleep(random.below(withinMs));
    running.kill();
    await running.outcome;
    await check();
  }
}
