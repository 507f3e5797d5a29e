// Which store of an index is a device's: of those that nothing speaks against, the one that was made of its very root, then the
// one that makes most of its CPU.
import { type Device, type Needs, hasRoot, hindrances } from './needs.js';

export interface Candidate<T> {
  readonly entry: T;
  /** undefined: it does not tell, and has to be looked at. */
  readonly needs: Needs | undefined;
  readonly hindrances: readonly string[];
  readonly hasRoot: boolean;
}

export function judge<T>(entry: T, needs: Needs | undefined, device: Device): Candidate<T> {
  if (needs === undefined) return { entry, needs, hindrances: [], hasRoot: false };
  const found = hindrances(needs, device);
  return { entry, needs, hindrances: found, hasRoot: found.length === 0 && hasRoot(needs, device) };
}

/** Those that fit, the best one first; equals in the order of the index. */
export function ranked<T>(candidates: readonly Candidate<T>[]): Candidate<T>[] {
  return candidates
    .filter(({ hindrances }) => hindrances.length === 0)
    .map((candidate) => ({ candidate, worth: worthOf(candidate) }))
    .sort((a, b) => b.worth - a.worth)
    .map(({ candidate }) => candidate);
}

/** No CPU has a thousand features. */
function worthOf({ needs, hasRoot }: Candidate<unknown>): number {
  return (hasRoot ? 1000 : 0) + Math.max(0, ...(needs?.cpuFeatures ?? []).map(bits));
}

function bits(words: string): number {
  const digits = words.match(/[0-9a-f]/g) ?? [];
  return digits.reduce(
    (sum, digit) => sum + Number.parseInt(digit, 16).toString(2).replaceAll('0', '').length,
    0,
  );
}
