// Steps that one boot of a guest makes with apps, whose images a later boot may find on /data: the host's side, which asks
// for them, and, started as a program in the guest, the side that makes them and prints one line of JSON for each.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { GuestCpu } from '../../../launcher/cpus.js';
import { GuestApp, type GuestAppOptions, type Launched, type Problem, loadNative } from './app.js';
import { type GuestOptions, runGuest, said } from './guest.js';

export interface Step extends GuestAppOptions {
  /**
   * checkpoint: start the app and write its image. launch: from that image, or not at all. start: from that image, or
   * cold. later: wait until the clocks have passed the image's, then launch. build: `thaw build` of a profile that starts
   * `sleep`.
   */
  readonly do: 'checkpoint' | 'launch' | 'start' | 'later' | 'build';
  readonly app: string;
  /** Folder of the image; default /data. */
  readonly work?: string;
  readonly user?: 'root' | 'kiosk';
}

export interface StepOutcome extends Partial<Launched> {
  /** Of a checkpoint; empty: it is right. */
  readonly problem?: string;
  /** Before a launch: what `thaw verify` finds. */
  readonly verify?: readonly Problem[];
  /** After a build: CLOCK_MONOTONIC of the image and of the system, in seconds. */
  readonly clocks?: { readonly image: number; readonly system: number };
}

/** Boots a guest that makes the steps, in order. @throws Error when it did not come to an end */
export async function runSteps(
  cpu: GuestCpu,
  guest: Omit<GuestOptions, 'cpu' | 'command'>,
  steps: readonly Step[],
): Promise<readonly StepOutcome[]> {
  // One process for each user in turn: an addon of root does not check as kiosk does.
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last?.[0]?.user === step.user && last !== undefined) last.push(step);
    else groups.push([step]);
  }
  const node = `node /share/dist/test/system/support/steps.js /share/build/${cpu}`;
  const commands = groups.map((group) => {
    const as = group[0]?.user === 'kiosk' ? 'setpriv --reuid=kiosk --regid=kiosk --init-groups ' : '';
    return `${as}${node} '${JSON.stringify(group)}'`;
  });
  const outcome = await runGuest({
    ...guest,
    cpu,
    command: ['chmod 1777 /data 2>/dev/null', ...commands].join('; '),
  });
  const lines = outcome.stdout.split('\n').filter((line) => line.startsWith('{'));
  if (outcome.status !== 0 || lines.length !== steps.length) throw new Error(said(outcome));
  return lines.map((line) => JSON.parse(line) as StepOutcome);
}

/** The public command, as on a device. */
function buildProfile(build: string, folder: string): StepOutcome {
  mkdirSync(folder, { recursive: true });
  const [profile, store] = [join(folder, 'sleep.toml'), join(folder, 'store')];
  writeFileSync(
    profile,
    'name = "sleep"\nprogram = "/usr/bin/sleep"\nargs = ["1000"]\n[warmup]\nuntil = { delay = "200ms" }\nsettle = "10ms"\n',
  );
  const env = { ...process.env, THAW_STORE: store };
  const cli = fileURLToPath(new URL('../../../launcher/cli.js', import.meta.url));
  const made = spawnSync(process.execPath, [cli, 'build', profile], { env, encoding: 'utf8' });
  if (made.status !== 0) return { problem: `${made.stdout}${made.stderr}` };
  const shown = loadNative(build).show(join(store, 'profiles/sleep/current.thaw'));
  return {
    problem: '',
    clocks: {
      image: shown.requirements.monotonicNs / 1e9,
      system: Number(process.hrtime.bigint()) / 1e9,
    },
  };
}

async function make(build: string, step: Step): Promise<StepOutcome> {
  if (step.do === 'build') return buildProfile(build, join(step.work ?? '/data', 'build'));
  const app = new GuestApp(build, step.work ?? '/data', step.app, step);
  if (step.do === 'checkpoint') return { problem: await app.checkpoint() };
  if (!existsSync(app.image)) return { problem: 'there is no image' };
  // A first boot on a busy machine may have lasted that long.
  const end = Date.now() + 600_000;
  while (
    step.do === 'later' &&
    Date.now() < end &&
    app.verify().some(({ condition }) => condition === 'clock')
  )
    await sleep(200);
  const verify = app.verify();
  return { verify, ...(await app.launch(step.do === 'start' ? [] : ['--no-fallback'])) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , build = '', steps = '[]'] = process.argv;
  for (const step of JSON.parse(steps) as Step[]) console.log(JSON.stringify(await make(build, step)));
  process.exit(0);
}
