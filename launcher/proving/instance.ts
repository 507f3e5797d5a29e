// One instance of the app while it is looked at.
import { setTimeout } from 'node:timers/promises';

import type { App } from '../app/app.js';
import { answersOf } from '../app/exercise.js';
import type { ImageLaunch } from '../app/launch.js';
import { isServer } from '../warmup/triggers/index.js';
import type { Shown } from './differences.js';

/** It has to live for that long, also when no commands exercise it. */
export const ALIVE_MS = 500;
/** For how long an instance that was started cold may take to end; what takes longer is not compared. */
export const END_MS = 5000;

/** A program that does its work and ends well has proved itself by that; a server has not. */
export async function endsWell(app: App, { definition }: ImageLaunch, ms: number): Promise<boolean> {
  if (isServer(definition.warmup.until)) return false;
  const ended = app.exit.then(({ code }) => code === 0);
  return Promise.race([ended, setTimeout(ms, false)]);
}

/** @throws when the user interrupts */
export async function staysAlive(app: App, ms: number, interrupt: AbortSignal): Promise<boolean> {
  return Promise.race([app.exit.then(() => false), setTimeout(ms, true, { signal: interrupt })]);
}

/** What the commands say of the app, which is up; each is asked again until it succeeds, as long as `untilGood`. */
export async function look(
  app: App,
  commands: readonly string[],
  { setting }: ImageLaunch,
  signal: AbortSignal,
  untilGood: () => boolean = () => true,
): Promise<Shown> {
  const answers = await answersOf(commands, setting, signal, untilGood);
  return { pid: app.pid, answers, at: Date.now() };
}
