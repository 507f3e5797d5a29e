// Quoting as in systemd.syntax(7).

/** The words of a line: separated by blanks, but for those within quotes. */
export function words(line: string): string[] {
  const found = line.matchAll(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g);
  return Array.from(found, ([word]) => unquoted(word));
}

/** A value without its quotes and backslashes. */
export function unquoted(value: string): string {
  return value.replaceAll(
    /"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) =>
      (double ?? single ?? '').replaceAll(/\\(.)/g, (__, one: string) => escape(one)) +
      (escaped === undefined ? '' : escape(escaped)),
  );
}

function escape(letter: string): string {
  return { n: '\n', t: '\t', s: ' ' }[letter] ?? letter;
}
