// Rules about several keys of a table at once.
import * as v from 'valibot';

import type { Path } from './lines.js';

export interface Complaint {
  /** The key at fault, from the table that the rule is for. */
  readonly path: Path;
  /** Follows the key in the message: 'is "append" for type "pipe"'. */
  readonly what: string;
  readonly remedy: string;
}

/** A check made once each key is right by itself; `find` returns undefined when the keys go together. */
export function rule<T extends object>(find: (table: T) => Complaint | undefined): v.RawCheckAction<T> {
  return v.rawCheck<T>(({ dataset, addIssue }) => {
    const complaint = dataset.typed ? find(dataset.value) : undefined;
    if (complaint === undefined) return;
    const { path, what, remedy } = complaint;
    addIssue({ message: what, expected: remedy, path: pathItems(dataset.value, path) });
  });
}

/** The path as valibot has it, with the value at each step. */
function pathItems(top: unknown, path: Path): [v.IssuePathItem, ...v.IssuePathItem[]] | undefined {
  let input = top;
  const items = path.map((key): v.IssuePathItem => {
    const value = (input as Record<string | number, unknown> | undefined)?.[key];
    const item = { type: 'unknown', origin: 'value', input, key, value } as const;
    input = value;
    return item;
  });
  const [first, ...rest] = items;
  return first === undefined ? undefined : [first, ...rest];
}
