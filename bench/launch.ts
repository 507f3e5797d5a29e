// One launch of a subject, measured.
import { Instance, type FirstAnswer, type Start } from './instance.js';
import type { Bench } from './measure.js';
import type { Key } from './results.js';
import type { Subject } from './subjects.js';

export async function firstAnswer(subject: Subject, start: Start, n: number): Promise<FirstAnswer> {
  const instance = await Instance.start(start, subject.first(n));
  await instance.end();
  return instance.first;
}

/** Records the time to the first answer in milliseconds. */
export async function recordFirstAnswer(
  bench: Bench,
  key: Omit<Key, 'subject'>,
  subject: Subject,
  start: Start,
  n: number,
): Promise<void> {
  const { microseconds } = await firstAnswer(subject, start, n);
  bench.recorder.add({ ...key, subject: subject.profile }, 'ms', microseconds / 1000);
}

/** The same start with more variables. */
export function withEnv(start: Start, env: Readonly<Record<string, string>>): Start {
  return { ...start, env: { ...start.env, ...env } };
}
