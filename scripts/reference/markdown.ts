// The reference of a profile's keys, as Markdown.
import * as v from 'valibot';

import { defaultOf, itemOf, keysOf, required } from '../../launcher/definition/parts.js';
import { profile } from '../../launcher/definition/schema.js';
import { acceptedBy } from '../../launcher/definition/values.js';

const introduction = `<!-- Made from launcher/definition/schema.ts and launcher/warmup/triggers/ by \`npm run docs:reference\`. -->

# A profile, key by key

A profile is a [TOML](https://toml.io) file. \`thaw build\` checks all of it before it starts anything; what is wrong is told
with the file, the line, and what would be accepted. Editors that know JSON schemas for TOML (Taplo, Even Better TOML)
complete and check it by [thaw.schema.json](thaw.schema.json), if the first line of the profile names it:

\`\`\`toml
#:schema docs/reference/thaw.schema.json
name    = "web"
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
\`\`\`
`;

/** A table of the profile, under a title of its own. */
interface Section {
  readonly title: string;
  readonly schema: v.GenericSchema;
  /** Of the tables in it: "warmup." in [warmup]. */
  readonly prefix: string;
}

export function keyReference(): string {
  const top: Section = { title: 'The app', schema: profile, prefix: '' };
  return [introduction, ...withTables(top).map(sectionText)].join('\n');
}

/** The section and those of the tables in it. */
function withTables(section: Section): Section[] {
  const tables = Object.entries(keysIn(section.schema) ?? {}).flatMap(([key, schema]) => {
    const name = `${section.prefix}${key}`;
    if (keysIn(schema) === undefined) return [];
    return withTables({ title: `\`${titleOf(name, schema)}\``, schema, prefix: `${name}.` });
  });
  return [section, ...tables];
}

/** As such a table begins in the file. */
function titleOf(name: string, schema: v.GenericSchema): string {
  if (itemOf(schema) !== undefined) return `[[${name}]]`;
  return name.includes('.') ? `${name} = { ... }` : `[${name}]`;
}

function sectionText({ title, schema, prefix }: Section): string {
  const rows = Object.entries(keysIn(schema) ?? {})
    // Those at the top have a header of their own.
    .filter(([, value]) => prefix !== '' || keysIn(value) === undefined)
    .map(([key, value]) => [
      `\`${key}\``,
      acceptedBy(required(value)) ?? '',
      defaultText(value),
      about(value),
    ]);
  const table = [['key', 'accepted', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows];
  const description = about(schema);
  const sentence =
    description === '' ? '' : `${description.charAt(0).toUpperCase()}${description.slice(1)}.\n\n`;
  return `## ${title}\n\n${sentence}${table.map(rowText).join('')}`;
}

function rowText(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
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
