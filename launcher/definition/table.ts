// One table of a TOML file under examination: every value is asked for by key and type, and what nobody asked for is an
// error. Errors name the file, the line and what would be accepted.
import * as v from 'valibot';

import { ThawError } from '../errors.js';
import { duration } from './duration.js';

/** The text of the file, to find lines in. */
export class Source {
  readonly #lines: readonly string[];

  constructor(
    readonly file: string,
    text: string,
  ) {
    this.#lines = text.split('\n');
  }

  /** The line where `key` is set below the header of `table` ('' for the top), the header's line, or undefined. */
  lineOf(table: string, key: string | undefined, index = 0): number | undefined {
    const first = this.#start(table, index);
    if (first === undefined || key === undefined) return first;
    const assignment = new RegExp(`(^|[{,\\s])"?${key.replace(/[^\w-]/g, '\\$&')}"?\\s*=`);
    for (let i = first; i < this.#lines.length; i++) {
      const line = (this.#lines[i] ?? '').replace(/^\s*#.*$/, '');
      if (i > first && /^\s*\[/.test(line)) break;
      if (assignment.test(line)) return i + 1;
    }
    return first === 0 ? undefined : first;
  }

  #start(table: string, index: number): number | undefined {
    if (table === '') return 0;
    const header = new RegExp(`^\\s*\\[{1,2}\\s*${table}\\s*\\]{1,2}`);
    const found = this.#lines.flatMap((line, i) => (header.test(line) ? [i + 1] : []));
    return found[index];
  }
}

export class Table {
  readonly #asked = new Set<string>();

  constructor(
    readonly source: Source,
    /** 'warmup' for [warmup]; '' for the top of the file. */
    readonly name: string,
    readonly values: Readonly<Record<string, unknown>>,
    readonly index = 0,
  ) {}

  /** An error about `key`, or about the table itself. */
  error(key: string | undefined, what: string, accepted: string): ThawError {
    const line =
      this.source.lineOf(this.name, key, this.index) ?? this.source.lineOf(this.name, undefined, this.index);
    const place = line === undefined || line === 0 ? this.source.file : `${this.source.file}:${line}`;
    const where = [this.name, key].filter((part) => part !== undefined && part !== '').join('.');
    return new ThawError(`${place}: ${where === '' ? '' : `${where} `}${what}`, { remedy: accepted });
  }

  has(key: string): boolean {
    return this.values[key] !== undefined;
  }

  #take<T>(key: string, accepted: string, check: (value: unknown) => value is T): T | undefined {
    this.#asked.add(key);
    const value = this.values[key];
    if (value === undefined) return undefined;
    if (!check(value)) throw this.error(key, `is ${described(value)}`, `accepted: ${accepted}`);
    return value;
  }

  string(key: string, accepted = 'a string'): string | undefined {
    return this.#take(key, accepted, (value): value is string => typeof value === 'string');
  }

  required(key: string, accepted = 'a string'): string {
    const value = this.string(key, accepted);
    if (value === undefined || value === '') throw this.error(key, 'is missing', `set it to ${accepted}`);
    return value;
  }

  integer(key: string, low: number, high: number): number | undefined {
    const accepted = `a whole number from ${low} to ${high}`;
    return this.#take(
      key,
      accepted,
      (value): value is number =>
        typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high,
    );
  }

  /** A key whose only value is true. */
  yes(key: string): boolean {
    return this.#take(key, 'true', (value): value is true => value === true) ?? false;
  }

  strings(key: string): readonly string[] {
    const isStrings = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'string');
    return this.#take(key, 'a list of strings', isStrings) ?? [];
  }

  integers(key: string): readonly number[] {
    const isIntegers = (value: unknown): value is number[] =>
      Array.isArray(value) && value.every((item) => Number.isInteger(item));
    return this.#take(key, 'a list of whole numbers', isIntegers) ?? [];
  }

  oneOf(key: string, choices: readonly string[]): string | undefined {
    return this.#take(
      key,
      choices.map((choice) => `"${choice}"`).join(', '),
      (value): value is string => typeof value === 'string' && choices.includes(value),
    );
  }

  /** In milliseconds. */
  duration(key: string): number | undefined {
    this.#asked.add(key);
    if (!this.has(key)) return undefined;
    return this.#checked(key, v.safeParse(duration, this.values[key]));
  }

  /** The whole table, as `schema` makes it. */
  parsed<T>(schema: v.GenericSchema<unknown, T>): T {
    const result = v.safeParse(schema, this.values);
    return this.#checked(result.success ? '' : (v.getDotPath(result.issues[0]) ?? ''), result);
  }

  /** The messages of issues say what is accepted. */
  #checked<T>(key: string, result: v.SafeParseResult<v.GenericSchema<unknown, T>>): T {
    if (result.success) return result.output;
    const [{ message }] = result.issues;
    throw this.error(key, `is ${described(this.values[key])}`, `accepted: ${message}`);
  }

  /** Values that are all strings, such as an environment. */
  record(key: string): Readonly<Record<string, string>> {
    const isRecord = (value: unknown): value is Record<string, string> =>
      isTable(value) && Object.values(value).every((item) => typeof item === 'string');
    return this.#take(key, 'a table of strings', isRecord) ?? {};
  }

  table(key: string): Table | undefined {
    const value = this.#take(key, 'a table', isTable);
    return value === undefined
      ? undefined
      : new Table(this.source, this.name === '' ? key : `${this.name}.${key}`, value);
  }

  /** A table that may stand in line: its errors are about the line of `key`. */
  inline(key: string): Table | undefined {
    const value = this.#take(key, 'a table', isTable);
    return value === undefined ? undefined : new Table(this.source, this.name, value);
  }

  tables(key: string): readonly Table[] {
    const isTables = (value: unknown): value is Record<string, unknown>[] =>
      Array.isArray(value) && value.every(isTable);
    const values = this.#take(key, `tables: [[${key}]]`, isTables) ?? [];
    return values.map((value, i) => new Table(this.source, key, value, i));
  }

  /** Nothing may be left that was not asked for. */
  end(): void {
    for (const key of Object.keys(this.values))
      if (!this.#asked.has(key))
        throw this.error(key, 'is not known', `accepted here: ${[...this.#asked].join(', ')}`);
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function described(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isTable(value)) return 'a table';
  return typeof value === 'string' ? `"${value}"` : String(value);
}
