// An image is read again before it is launched: what its launch would check, and what the storage has of it.
import type { Setting } from '../app/setting.js';
import { ThawError } from '../errors.js';
import { type VerifyOptions, native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';

const provingLog = logOf('proving');

/** Inputs are not looked at: an instance that has ended may have saved what it reads. @throws ThawError that names what stands in the way of a launch here */
export function verify(image: string, { account }: Setting, options: VerifyOptions): void {
  const begin = performance.now();
  const { problems } = native.verify(image, options);
  provingLog.debug({ image, ...options, problems: problems.length, ms: msSince(begin) }, 'verified');
  // Another user's image is not for the builder: the trial, as that user, will tell.
  const foreign = account.change === undefined ? [] : ['user', 'owner'];
  const real = problems.filter(({ condition }) => ![...foreign, 'input'].includes(condition));
  for (const problem of real) provingLog.warn({ image, ...problem }, 'cannot be launched here');
  const [first] = real;
  if (first === undefined) return;
  // A program that has changed is found as the program and as a mapped file.
  const reasons = new Set(real.map(({ what }) => what));
  throw new ThawError([...reasons].join('\n'), { remedy: first.remedy });
}
