// The parts of a schema: what describes the value of a key, behind defaults and pipes.
import type * as v from 'valibot';

import type { Path } from './lines.js';

/** What schemas of different kinds have, as valibot names it. */
interface Shape {
  /** Of an optional value. */
  readonly wrapped?: v.GenericSchema;
  readonly default?: unknown;
  readonly pipe?: readonly { readonly kind: string }[];
  /** Of a table with fixed keys. */
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  /** Of a list. */
  readonly item?: v.GenericSchema;
  /** Of a table with any keys. */
  readonly value?: v.GenericSchema;
}

/** The schema of a value that is there: the description belongs to this one. */
export function required(schema: v.GenericSchema): v.GenericSchema {
  const { wrapped } = schema as Shape;
  return wrapped === undefined ? schema : required(wrapped);
}

/** What is taken where there is no value; undefined: nothing. */
export function defaultOf(schema: v.GenericSchema): unknown {
  return (schema as Shape).default;
}

/** The keys of a table, if they are fixed. */
export function keysOf(schema: v.GenericSchema): Readonly<Record<string, v.GenericSchema>> | undefined {
  return structure(schema).entries;
}

/** The items of a list. */
export function itemOf(schema: v.GenericSchema): v.GenericSchema | undefined {
  return structure(schema).item;
}

/** The schema of the value at `path`; undefined where there is none. */
export function partAt(schema: v.GenericSchema, path: Path): v.GenericSchema | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return required(schema);
  const { entries, item, value } = structure(schema);
  const part = entries === undefined ? (item ?? value) : entries[key];
  return part === undefined ? undefined : partAt(part, rest);
}

/** Of a pipe, the last schema tells how the value is made up. */
function structure(schema: v.GenericSchema): Shape {
  const shape = required(schema) as Shape;
  const last = shape.pipe?.filter(({ kind }) => kind === 'schema').at(-1) as v.GenericSchema | undefined;
  return last === undefined || last === schema ? shape : structure(last);
}
