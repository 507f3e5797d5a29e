// What a run of the bench leaves: a flat list of series, from which tables, targets, comparisons and charts are made.
import { readFileSync, writeFileSync } from 'node:fs';

import { ThawError, messageOf } from '../launcher/errors.js';
import type { Machine } from './machine.js';

const FORMAT = 1;

export type Unit = 'ms' | 'kB';

/** Measurements of one thing. Smaller is better in all of them. */
export interface Series {
  readonly measure: string;
  /** The profile or program that was measured. */
  readonly subject: string;
  /** What was done with it: cold, warm, criu, ... */
  readonly variant: string;
  /** Where the measure has one: megabytes of heap, megabytes a second, instances. */
  readonly x?: number | undefined;
  readonly unit: Unit;
  readonly values: readonly number[];
}

export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

export interface Results {
  readonly format: typeof FORMAT;
  readonly machine: Machine;
  readonly series: readonly Series[];
  readonly leftOut: readonly LeftOut[];
}

/** What identifies a series among those of another run. */
export type Key = Omit<Series, 'unit' | 'values'>;

export function keyText({ measure, subject, variant, x }: Key): string {
  return [measure, subject, variant, ...(x === undefined ? [] : [String(x)])].join(' ');
}

export function find(results: Pick<Results, 'series'>, key: Key): Series | undefined {
  return results.series.find((one) => keyText(one) === keyText(key));
}

/** Takes the measurements of a run. */
export class Recorder {
  readonly #series = new Map<string, Series & { values: number[] }>();
  readonly #leftOut: LeftOut[] = [];

  add(key: Key, unit: Unit, value: number): void {
    const text = keyText(key);
    const series = this.#series.get(text) ?? { ...key, unit, values: [] };
    series.values.push(value);
    this.#series.set(text, series);
  }

  leaveOut(what: string, why: string): void {
    if (this.#leftOut.some((one) => one.what === what && one.why === why)) return;
    this.#leftOut.push({ what, why });
  }

  results(machine: Machine): Results {
    return { format: FORMAT, machine, series: [...this.#series.values()], leftOut: this.#leftOut };
  }
}

export function writeResults(path: string, results: Results): void {
  writeFileSync(path, `${JSON.stringify(results)}\n`);
}

/** @throws ThawError if the file is none of the bench's */
export function readResults(path: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ThawError(`${path}: ${messageOf(error)}`, { remedy: 'npm run bench writes such a file' });
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format === FORMAT) return value as Results;
  throw new ThawError(`${path} holds no results of the bench in format ${FORMAT}`, {
    remedy: 'measure again with npm run bench',
  });
}
