// The copy of a definition in the store must mean the same there as it did in its own folder.
import type { Definition } from '../definition/schema.js';

/** The definition's text with the absolute program and cwd; all else, comments too, stays as it was written. */
export function resolvedToml(text: string, { program, cwd }: Pick<Definition, 'program' | 'cwd'>): string {
  const lines = text.split('\n');
  // Keys after the first table's header are that table's.
  const header = lines.findIndex((line) => line.trimStart().startsWith('['));
  const end = header < 0 ? lines.length : header;
  const top = set(set(lines.slice(0, end), 'program', program), 'cwd', cwd);
  return [...top, ...lines.slice(end)].join('\n');
}

function set(lines: readonly string[], key: string, value: string): string[] {
  const assignment = new RegExp(`^(\\s*${key}\\s*=\\s*)("[^"]*"|'[^']*')`);
  const at = lines.findIndex((line) => assignment.test(line));
  // JSON's strings are TOML's basic strings.
  const quoted = JSON.stringify(value);
  if (at < 0) return [`${key} = ${quoted}`, ...lines];
  return lines.map((line, i) =>
    i === at ? line.replace(assignment, (_, left: string) => left + quoted) : line,
  );
}
