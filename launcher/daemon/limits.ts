// When a rebuild has to wait: a row for each limit, with a reason that names it. `thaw daemon --limit NAME=NUMBER` sets one.
import { UsageError } from '../errors.js';
import { size } from '../units.js';
import type { Readings } from './readings.js';

const MB = 1_000_000;

/** What a rebuild will need, and has needed. */
export interface Demand {
  /** Bytes of all images: an instance of the app takes about as much memory. */
  readonly images: number;
  /** Bytes that it will write, of images that stand only for a while, too. */
  readonly writes: number;
  /** Bytes that all builds of the store have written in the last day. */
  readonly writtenToday: number;
  /** Bytes that the store's file system has free. */
  readonly free: number;
}

/** Undefined: it does not limit anything. */
export type Limits = Readonly<Record<LimitName, number | undefined>>;

export interface Wait {
  /** A limit's name, or `paused`, `delay`, `attempts`. */
  readonly name: string;
  readonly why: string;
}

interface Limit {
  readonly name: string;
  readonly otherwise: number;
  /** Of the number, and what it limits: for --help. */
  readonly what: string;
  /** Why a rebuild waits; undefined: it does not. */
  readonly why: (readings: Readings, limit: number, demand: Demand) => string | undefined;
}

const above = (
  what: string,
  unit: string,
  reading: (readings: Readings) => number | undefined,
): Limit['why'] => {
  return (readings, limit) => {
    const value = reading(readings);
    return value === undefined || value <= limit
      ? undefined
      : `${what} is ${round(value)}${unit}, above ${limit}${unit}`;
  };
};

const LIMITS = [
  {
    name: 'cpu-pressure',
    otherwise: 25,
    what: 'percent of the last 10 s in which something waited for a CPU, at most',
    why: above('the pressure on the CPUs', ' %', ({ cpuPressure }) => cpuPressure),
  },
  {
    name: 'io-pressure',
    otherwise: 20,
    what: 'the same of the storage',
    why: above('the pressure on the storage', ' %', ({ ioPressure }) => ioPressure),
  },
  {
    name: 'memory-pressure',
    otherwise: 5,
    what: 'the same of memory',
    why: above('the pressure on memory', ' %', ({ memoryPressure }) => memoryPressure),
  },
  {
    name: 'load',
    otherwise: 0.75,
    what: 'load average of the last minute for each CPU, at most',
    why: above('the load of each CPU', '', ({ load }) => load),
  },
  {
    name: 'battery',
    otherwise: 60,
    what: 'percent of charge, at least, where a battery is being emptied',
    why: ({ battery }, limit) =>
      battery === undefined || battery >= limit
        ? undefined
        : `the battery is being emptied and holds ${battery} %, less than ${limit} %`,
  },
  {
    name: 'memory',
    otherwise: 100,
    what: 'MB that stay available beside two instances of the app, at least',
    why: ({ memory }, limit, { images }) =>
      memory === undefined || memory - 2 * images >= limit * MB
        ? undefined
        : `${size(memory)} of memory are available, and the build needs some ${size(2 * images)}`,
  },
  {
    name: 'space',
    otherwise: 100,
    what: 'MB that stay free in the store beside the new images, at least',
    why: (_, limit, { free, writes }) =>
      free - writes >= limit * MB
        ? undefined
        : `the store has ${size(free)} left, and the build writes some ${size(writes)}`,
  },
  {
    name: 'writes',
    otherwise: 2000,
    what: 'MB that builds write to the store in a day, at most',
    why: (_, limit, { writtenToday, writes }) =>
      writtenToday + writes <= limit * MB
        ? undefined
        : `builds have written ${size(writtenToday)} in the last day, and this one writes some ${size(writes)} more: above ${limit} MB`,
  },
] as const satisfies readonly Limit[];

export type LimitName = (typeof LIMITS)[number]['name'];

export const DEFAULT_LIMITS: Limits = Object.fromEntries(
  LIMITS.map(({ name, otherwise }) => [name, otherwise]),
) as Limits;

/** For --help. */
export const LIMITS_TOLD = LIMITS.map(
  ({ name, otherwise, what }) => `  ${name}=${otherwise}`.padEnd(24) + what,
).join('\n');

/** All limits that hold a rebuild up, in the order of the table. */
export function waits(readings: Readings, limits: Limits, demand: Demand): Wait[] {
  return LIMITS.flatMap(({ name, why }) => {
    const limit = limits[name];
    const reason = limit === undefined ? undefined : why(readings, limit, demand);
    return reason === undefined ? [] : [{ name, why: reason }];
  });
}

/** NAME=NUMBER or NAME=off. @throws UsageError */
export function parseLimit(text: string): readonly [LimitName, number | undefined] {
  const [given = '', value = ''] = text.split('=');
  const row = LIMITS.find(({ name }) => name === given);
  if (row === undefined)
    throw new UsageError(`--limit: there is no limit ${given}`, {
      remedy: `accepted: ${LIMITS.map(({ name }) => name).join(', ')}`,
    });
  if (value === 'off') return [row.name, undefined];
  const number = Number(value);
  if (value === '' || !Number.isFinite(number) || number < 0)
    throw new UsageError(`--limit ${given}: not a number: ${value}`, { remedy: 'or off' });
  return [row.name, number];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
