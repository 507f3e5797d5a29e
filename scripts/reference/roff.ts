// Manual pages in the macros of man(7).

/** A page's parts, each of whole lines. */
export interface ManualPage {
  readonly name: string;
  readonly section: 1 | 5;
  /** In a few words, as whatis(1) shows it. */
  readonly summary: string;
  readonly parts: readonly string[];
}

/** Of the version, at the foot of each page. */
const DATE = '2026-11-29';

export function manualPage({ name, section, summary, parts }: ManualPage, version: string): string {
  return (
    [
      `.\\" Made by npm run docs:reference.\n`,
      `.TH ${quoted(name.toUpperCase())} ${section} "${DATE}" "thaw ${version}" "thaw"\n`,
      heading('Name'),
      `${escaped(name)} \\- ${escaped(summary)}\n`,
      ...parts,
    ]
      .join('')
      // A heading begins a paragraph by itself.
      .replaceAll(/^(\.S[HS] .*\n)\.PP\n/gm, '$1')
  );
}

export function heading(title: string): string {
  return `.SH ${quoted(title.toUpperCase())}\n`;
}

export function subheading(title: string): string {
  return `.SS ${quoted(title)}\n`;
}

/** Paragraphs, with what Markdown has within lines. Blank lines part them. */
export function prose(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((paragraph) => `.PP\n${inline(paragraph.replaceAll('\n', ' ').trim())}\n`)
    .join('');
}

/** What is told of `term`, each text on lines of its own. */
export function item(term: string, ...texts: readonly string[]): string {
  return `.TP\n.B ${quoted(escapedDashes(term))}\n${texts.map(inline).join('\n.br\n')}\n`;
}

export function example(text: string): string {
  const lines = text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => guarded(escapedDashes(line)));
  return `.PP\n.EX\n${lines.join('\n')}\n.EE\n`;
}

/** Code is bold; of links only the words are left. A sentence begins a line, as roff wants it. */
function inline(markdown: string): string {
  const text = markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
  const parts = text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`') && part.length > 1 ? `\\fB${escapedDashes(part.slice(1, -1))}\\fP` : escaped(part),
    );
  return guarded(parts.join('').replaceAll(/([.;:]) +(?=[A-Z])/g, '$1\n'));
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('^', '\\(ha').replaceAll('~', '\\(ti');
}

/** In what is typed, a dash is a minus, and can be copied. */
function escapedDashes(text: string): string {
  return escaped(text).replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga');
}

/** Dots and quotes at the begin of a line would be taken for macros. */
function guarded(text: string): string {
  return text.replaceAll(/^(?=[.'])/gm, '\\&');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '\\(dq')}"`;
}
