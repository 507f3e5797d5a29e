// What SystemCallFilter= of a unit allows (systemd.exec(5)). Only systemd knows which calls its groups (`@system-service`) hold;
// systemd-analyze(1) tells.
import { execFileSync } from 'node:child_process';

import { words } from './words.js';

/** The calls of a group, with those of the groups in it; undefined where nobody tells. */
export type Groups = (name: string) => readonly string[] | undefined;

export interface CallFilter {
  readonly allows: (call: string) => boolean;
  /** A group whose calls nobody tells. */
  readonly unknown: string | undefined;
}

/** `values`: of SystemCallFilter=, after resets. undefined: nothing is filtered. */
export function callFilter(
  values: readonly string[],
  groups: Groups = systemdsGroups(),
): CallFilter | undefined {
  const [first] = values;
  if (first === undefined) return undefined;
  // The first line says which kind of list this is; the others add to it, or take away from it.
  const denies = first.startsWith('~');
  const listed = new Set<string>();
  let unknown: string | undefined;
  const expand = (item: string): readonly string[] => {
    const [name = ''] = item.split(':');
    if (!name.startsWith('@')) return [name];
    const calls = groups(name);
    if (calls === undefined) unknown = name;
    return calls ?? [];
  };
  if (!denies) for (const call of expand('@default')) listed.add(call);
  for (const value of values) {
    const adds = value.startsWith('~') === denies;
    for (const call of words(value.replace(/^~/, '')).flatMap(expand)) {
      if (adds) listed.add(call);
      else listed.delete(call);
    }
  }
  return { allows: (call) => listed.has(call) !== denies, unknown };
}

/** As this machine's systemd has them. */
function systemdsGroups(): Groups {
  let groups: ReadonlyMap<string, readonly string[]> | undefined;
  return (name) => {
    groups ??= readGroups();
    return expanded(name, groups);
  };
}

function readGroups(): ReadonlyMap<string, readonly string[]> {
  try {
    const text = execFileSync('systemd-analyze', ['--no-pager', 'syscall-filter'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, SYSTEMD_COLORS: '0' },
    });
    return groupsIn(text);
  } catch {
    return new Map();
  }
}

/** Each group's name stands alone, and its calls and groups under it, with blanks before. */
export function groupsIn(text: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  let members: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('@')) groups.set(line.trim(), (members = []));
    else if (/^\s+[@\w]/.test(line)) members.push(line.trim());
  }
  return groups;
}

function expanded(name: string, groups: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  return groups
    .get(name)
    ?.flatMap((member) => (member.startsWith('@') ? (expanded(member, groups) ?? []) : [member]));
}
