// Kinds of values that keys of a profile have. Each says in words what it accepts: errors and the reference repeat them.
import * as v from 'valibot';

import { messageOf } from '../errors.js';

/** What a value has to be, in words that follow "accepted: ". */
export function accepts<T>(words: string): v.MetadataAction<T, { accepted: string }> {
  return v.metadata({ accepted: words });
}

/** The words of `accepts`. */
export function acceptedBy(schema: v.GenericSchema): string | undefined {
  const { accepted } = v.getMetadata(schema);
  return typeof accepted === 'string' ? accepted : undefined;
}

export const text = v.pipe(v.string(), accepts('a string'));

export const texts = v.pipe(v.array(v.string()), accepts('a list of strings'));

/** A key whose only value is true. */
export const yes = v.pipe(v.literal(true), accepts('true'));

export const pattern = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? patternProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: `is no regular expression: ${problem}` });
  }),
  accepts('a JavaScript regular expression'),
);

const units = { ms: 1, s: 1000, m: 60_000 } as const;

/** A time such as "300ms" or "2m"; the output is in milliseconds. */
export const duration = v.pipe(
  v.string(),
  v.regex(/^\d+(\.\d+)?(ms|s|m)$/),
  v.transform(milliseconds),
  accepts('a duration such as "300ms", "60s" or "2m"'),
);

export function durationUpTo(most: string, least = '1ms') {
  return v.pipe(
    duration,
    v.rawCheck(({ dataset, addIssue }) => {
      if (dataset.typed && (dataset.value < milliseconds(least) || dataset.value > milliseconds(most)))
        addIssue({ message: `is not between ${least} and ${most}` });
    }),
    accepts(`a duration of up to "${most}"`),
  );
}

export function oneOf<const T extends readonly string[]>(choices: T): v.GenericSchema<T[number]> {
  return v.pipe(v.picklist(choices), accepts(choices.map((choice) => `"${choice}"`).join(', ')));
}

export function integer(low: number, high: number): v.GenericSchema<number> {
  return v.pipe(
    v.number(),
    v.integer(),
    v.minValue(low),
    v.maxValue(high),
    accepts(`a whole number from ${low} to ${high}`),
  );
}

/** A table with these keys and no others. */
export function table<const T extends v.ObjectEntries>(entries: T) {
  return v.pipe(v.custom<Record<string, unknown>>(isTable), v.strictObject(entries), accepts('a table'));
}

/** For valibot, lists and dates are objects, too. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function milliseconds(text: string): number {
  const [, number, unit = 'ms'] = /^([\d.]+)(ms|s|m)$/.exec(text) ?? [];
  return Number(number) * units[unit as keyof typeof units];
}

function patternProblem(text: string): string | undefined {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
