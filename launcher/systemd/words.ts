// Quoting as in systemd.syntax(7).

/** A word of a line: as it is written, where, and without its quotes and backslashes. */
export interface Word {
  readonly raw: string;
  readonly at: number;
  readonly text: string;
}

/** The words of a line: separated by blanks, but for those within quotes. */
export function wordsIn(line: string): Word[] {
  const found = line.matchAll(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g);
  return Array.from(found, (match) => ({ raw: match[0], at: match.index, text: unquoted(match[0]) }));
}

export function words(line: string): string[] {
  return wordsIn(line).map(({ text }) => text);
}

const ESCAPED = String.raw`\\(x[0-9a-fA-F]{2}|[0-7]{3}|.)`;

/** A value without its quotes and backslashes. */
export function unquoted(value: string): string {
  return value.replaceAll(
    new RegExp(String.raw`"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|${ESCAPED}`, 'g'),
    (_, double?: string, single?: string, escaped?: string) =>
      (double ?? single ?? '').replaceAll(new RegExp(ESCAPED, 'g'), (__, one: string) => escape(one)) +
      (escaped === undefined ? '' : escape(escaped)),
  );
}

const LETTERS: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' },
};

function escape(what: string): string {
  if (/^x..$/.test(what)) return String.fromCharCode(parseInt(what.slice(1), 16));
  if (/^[0-7]{3}$/.test(what)) return String.fromCharCode(parseInt(what, 8));
  return LETTERS[what] ?? what;
}

/** A word as a line has to have it, where it is taken for what it is: no specifier, and no variable if `dollars`. */
export function quotedWord(text: string, dollars = false): string {
  const safe = text.replaceAll('%', '%%');
  const plain = dollars ? safe.replaceAll('$', '$$$$') : safe;
  if (/^[^\s"'\\;]+$/.test(plain)) return plain;
  const escaped = plain.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
