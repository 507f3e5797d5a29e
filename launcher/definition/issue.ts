// What valibot finds wrong with a definition, in the words of thaw: the key, what it is, and what would be accepted.
import type * as v from 'valibot';

import type { Path } from './lines.js';
import { keysOf, partAt } from './parts.js';
import type { Complaint } from './rule.js';
import { acceptedBy, isTable } from './values.js';

/** Checks whose own message says what is wrong; the messages of all others are about types. */
const WORDED = ['raw_check', 'min_entries', 'max_entries'];

/** What to complain of first: a key that is not known may be the one that is missing, misspelt. */
export function complaintOf(schema: v.GenericSchema, issues: readonly v.BaseIssue<unknown>[]): Complaint {
  const issue = issues.find(isUnknownKey) ?? issues[0];
  if (issue === undefined) throw new RangeError('there is no issue');
  const path = pathOf(issue);
  const accepted = `accepted: ${acceptedAt(schema, path)}`;
  if (isUnknownKey(issue))
    return { path, what: 'is not known', remedy: `accepted here: ${keysBeside(schema, path)}` };
  const remedy = issue.type === 'raw_check' ? issue.expected : null;
  return { path, what: what(issue), remedy: remedy ?? accepted };
}

function what(issue: v.BaseIssue<unknown>): string {
  if (WORDED.includes(issue.type)) return issue.message;
  if (issue.path?.at(-1)?.origin !== 'key') return `is ${described(issue.input)}`;
  return issue.type === 'strict_object' ? 'is missing' : 'is no name for this';
}

function isUnknownKey({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never';
}

function keysBeside(schema: v.GenericSchema, path: Path): string {
  const table = partAt(schema, path.slice(0, -1));
  return Object.keys((table && keysOf(table)) ?? {}).join(', ');
}

function pathOf({ path }: v.BaseIssue<unknown>): Path {
  return (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
}

/** What the last schema on the way to the value accepts that says so in words. */
function acceptedAt(schema: v.GenericSchema, path: Path): string {
  const parts = path.flatMap((_, i) => partAt(schema, path.slice(0, i + 1)) ?? []);
  return parts.flatMap((part) => acceptedBy(part) ?? []).at(-1) ?? 'a table';
}

function described(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isTable(value)) return 'a table';
  return typeof value === 'string' ? `"${value}"` : String(value);
}
