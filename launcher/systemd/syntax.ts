// The lines of a unit file, as systemd reads them (systemd.syntax(7)).

export interface Assignment {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** In the order of the file. What is no assignment is left out, as systemd does, which warns of it. */
export function assignmentsIn(text: string): Assignment[] {
  let section = '';
  return joinedLines(text).flatMap((line) => {
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const at = line.indexOf('=');
    if (header !== undefined || at < 1) return [];
    return [{ section, key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() }];
  });
}

/** A backslash at the end of a line goes on in the next one that is no comment, and counts as a blank. */
function joinedLines(text: string): string[] {
  const lines: string[] = [];
  let begun = '';
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    const whole = begun + line.replace(/\r$/, '');
    if (endsInBackslash(whole)) {
      begun = `${whole.slice(0, -1)} `;
      continue;
    }
    begun = '';
    lines.push(whole.trim());
  }
  return [...lines, begun.trim()];
}

/** One that is not itself behind a backslash. */
function endsInBackslash(line: string): boolean {
  const [backslashes = ''] = /\\*$/.exec(line) ?? [];
  return backslashes.length % 2 === 1;
}
