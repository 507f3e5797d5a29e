// The keys of a profile, as its reference and its manual page tell them.
import * as v from 'valibot';

import { defaultOf, itemOf, keysOf, required } from '../../launcher/definition/parts.js';
import { profile } from '../../launcher/definition/schema.js';
import { acceptedBy } from '../../launcher/definition/values.js';
import { sentence } from './words.js';

export const EXAMPLE = `name    = "web"
program = "/usr/bin/node"
args    = ["server.js"]
cwd     = "/srv/web"
env     = { PORT = "8123" }

[warmup]
until   = { port = 8123 }
run     = ["curl -sf http://127.0.0.1:8123/"]
settle  = "300ms"

[[policies]]
type    = "file"
path    = "/var/log/web/*.log"
action  = "append"
`;

export interface Key {
  readonly key: string;
  /** In words; Markdown, as are the others. */
  readonly accepted: string;
  readonly fallback: string;
  readonly meaning: string;
}

export interface Section {
  readonly title: string;
  /** A sentence, or nothing. */
  readonly description: string;
  readonly keys: readonly Key[];
}

/** A table of the profile, under a title of its own. */
interface Table {
  readonly title: string;
  readonly schema: v.GenericSchema;
  /** Of the tables in it: "warmup." in [warmup]. */
  readonly prefix: string;
}

export function sections(): Section[] {
  return withTables({ title: 'The app', schema: profile, prefix: '' }).map(sectionOf);
}

/** The table and those in it. */
function withTables(table: Table): Table[] {
  const tables = Object.entries(keysIn(table.schema) ?? {}).flatMap(([key, schema]) => {
    const name = `${table.prefix}${key}`;
    if (keysIn(schema) === undefined) return [];
    return withTables({ title: titleOf(name, schema), schema, prefix: `${name}.` });
  });
  return [table, ...tables];
}

/** As such a table begins in the file. */
function titleOf(name: string, schema: v.GenericSchema): string {
  if (itemOf(schema) !== undefined) return `[[${name}]]`;
  return name.includes('.') ? `${name} = { ... }` : `[${name}]`;
}

function sectionOf({ title, schema, prefix }: Table): Section {
  const keys = Object.entries(keysIn(schema) ?? {})
    // Those at the top have a header of their own.
    .filter(([, value]) => prefix !== '' || keysIn(value) === undefined)
    .map(([key, value]) => ({
      key,
      accepted: acceptedBy(required(value)) ?? '',
      fallback: defaultText(value),
      meaning: about(value),
    }));
  const description = about(schema);
  return { title, description: description === '' ? '' : sentence(description), keys };
}

/** The keys of a table, or of each table in a list. */
function keysIn(schema: v.GenericSchema): Readonly<Record<string, v.GenericSchema>> | undefined {
  return keysOf(itemOf(schema) ?? schema);
}

function about(schema: v.GenericSchema): string {
  return v.getDescription(required(schema)) ?? '';
}

function defaultText(schema: v.GenericSchema): string {
  const value = defaultOf(schema);
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  return schema === required(schema) ? '(required)' : '';
}
