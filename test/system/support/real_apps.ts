// Runs in an ARM guest: the profiles of real apps, built and launched there by the public commands. Prints a line for each:
//   ok PROFILE TIMES | bad PROFILE REASON
// Usage: real_apps.js WORK_FOLDER PROFILE...
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Instance } from '../../../profiles/bench/instance.js';
import { warmStart } from '../../../profiles/bench/start.js';
import { type Subject, subject } from '../../../profiles/bench/subjects.js';
import { Thaw } from '../../../profiles/bench/thaw.js';

const inARow = 3;
const atOnce = 5;

const [, , work = '', ...profiles] = process.argv;
mkdirSync(work, { recursive: true });
const thaw = new Thaw(join(work, 'store'));

const launch = (one: Subject, n: number): Promise<Instance> =>
  Instance.start(warmStart(one, thaw.store, join(work, `${one.profile}-${n}.log`)), one.first(n));

/** Launches that follow each other. @returns how long each took until its first answer, in ms */
async function launchInARow(one: Subject): Promise<number[]> {
  const times: number[] = [];
  for (let n = 1; n <= inARow; n++) {
    const instance = await launch(one, n);
    try {
      await one.check(instance, n);
      times.push(Math.round(instance.first.microseconds / 1000));
    } finally {
      await instance.end();
    }
  }
  return times;
}

/** Instances of one image that run side by side, each with a state of its own. */
async function launchAtOnce(one: Subject): Promise<void> {
  const started = await Promise.allSettled(Array.from({ length: atOnce }, (_, i) => launch(one, i + 1)));
  const instances = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await Promise.all(instances.map((instance, i) => one.check(instance, i + 1)));
  } finally {
    await Promise.all(instances.map((instance) => instance.end()));
  }
}

async function prove(profile: string): Promise<string> {
  const one = subject(profile);
  const begin = performance.now();
  await thaw.build(profile);
  const built = Math.round((performance.now() - begin) / 1000);
  const times = await launchInARow(one);
  await launchAtOnce(one);
  return `built in ${built} s, first answers after ${times.join(', ')} ms`;
}

for (const profile of profiles)
  try {
    console.log(`ok ${profile} ${await prove(profile)}`);
  } catch (error) {
    console.log(`bad ${profile} ${String(error).replaceAll('\n', ' | ')}`);
  }
