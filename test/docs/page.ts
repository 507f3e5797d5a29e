// A page of documentation (Markdown), and what it claims about the repository.
export interface Link {
  /** Relative to the page; empty: the page itself. */
  readonly path: string;
  readonly anchor: string | undefined;
}

export interface Page {
  readonly links: readonly Link[];
  readonly headings: ReadonlySet<string>;
  /** Paths from the repository's root, as they stand in code spans and code blocks. */
  readonly paths: readonly string[];
  /** X of `npm run X`. */
  readonly scripts: readonly string[];
  /** X of `thaw X`. */
  readonly commands: readonly string[];
}

/** Reads a page. `folders` are the names at the repository's root that make a word with a slash a path. */
export function readPage(text: string, folders: readonly string[]): Page {
  const blocks = text.split(/^ *```.*$/m);
  const prose = blocks.filter((_, i) => i % 2 === 0).join('\n');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code ?? []);
  const lines = blocks.filter((_, i) => i % 2 === 1).flatMap((block) => block.split('\n'));
  const code = [...spans, ...lines];
  return {
    links: [...withoutCode(prose).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => link(target ?? '')),
    headings: new Set([...prose.matchAll(/^#+ (.+)$/gm)].map(([, title]) => anchorOf(title ?? ''))),
    paths: code.flatMap((part) => pathsIn(part, folders)),
    scripts: code.flatMap((part) => words(part, /\bnpm run ([\w:-]+)/g)),
    commands: code.flatMap((part) => words(part, /^(?:npx )?thaw ([a-z]+)\b/g)),
  };
}

/** Code is no prose: a link within it is none. */
function withoutCode(prose: string): string {
  return prose.replace(/`[^`\n]+`/g, '');
}

function link(target: string): Link[] {
  if (/^[a-z]+:/.test(target)) return [];
  const [path = '', anchor] = target.split('#');
  return [{ path, anchor }];
}

/** The anchor that GitHub gives to a heading. */
export function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function words(part: string, pattern: RegExp): string[] {
  return [...part.matchAll(pattern)].flatMap(([, word]) => word ?? []);
}

function pathsIn(part: string, folders: readonly string[]): string[] {
  return part
    .split(/[\s'"(),;|]+/)
    .map((word) => word.replace(/^\.\//, '').replace(/[.:]+$/, ''))
    .filter(
      (word) => /^[\w./-]+$/.test(word) && folders.includes(word.split('/')[0] ?? '') && word.includes('/'),
    );
}
