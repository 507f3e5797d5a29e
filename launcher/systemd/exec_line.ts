// A line of ExecStart= (systemd.service(5), "Command lines").
import type { Variables } from '../app/setting.js';
import { ThawError } from '../errors.js';
import type { Unit } from './unit.js';
import { type Word, quotedWord, unquoted, wordsIn } from './words.js';

export interface ExecLine {
  /** `-`, `+`, `!`, `!!`, `:` in the order in which they stand. */
  readonly prefixes: string;
  /** As the line has them, specifiers and all. */
  readonly program: string;
  readonly rest: string;
  /** What the service is started with: specifiers and variables are looked up. */
  readonly argv: (variables: Variables) => [string, ...string[]];
}

/** The one command that the unit starts. @throws ThawError saying why thaw-exec cannot stand before it */
export function execStart(unit: Unit): ExecLine {
  const lines = unit.written('ExecStart');
  const [line] = lines;
  if (line === undefined)
    throw new ThawError(`${unit.name} has no ExecStart=`, { remedy: 'there is nothing to launch' });
  if (lines.length > 1)
    throw new ThawError(
      `${unit.name} has ${lines.length} lines ExecStart=, which one launch cannot stand for`,
      {
        remedy: 'move those before the long-running one to ExecStartPre=, or to a unit of their own',
      },
    );
  return parse(unit, line);
}

function parse(unit: Unit, line: string): ExecLine {
  const [first, ...others] = wordsIn(line);
  if (first === undefined || others.some(({ raw }) => raw === ';'))
    throw new ThawError(
      `${unit.name}: ExecStart=${line} holds several commands, which one launch cannot stand for`,
      {
        remedy: 'move those before the long-running one to ExecStartPre=',
      },
    );
  const [prefixes = ''] = /^[-@:+!|]*/.exec(first.text) ?? [];
  expectPrefixes(unit, line, prefixes, first.text.slice(prefixes.length), others[0]);
  const [argv0, ...words] = prefixes.includes('@') ? others : [first, ...others];
  const begin = (prefixes.includes('@') ? argv0 : first)?.raw.length ?? 0;
  return {
    prefixes: prefixes.replace('@', ''),
    program: programText(first, prefixes),
    rest: line.slice((argv0?.at ?? 0) + begin),
    argv: (variables) => [
      unit.specified(first.text.slice(prefixes.length)),
      ...words.flatMap((word) => {
        const expanded = unit.specified(word.text);
        return prefixes.includes(':') ? [expanded] : withVariables(expanded, variables);
      }),
    ],
  };
}

/** Quotes around the whole word hold its prefixes, too. */
function programText(first: Word, prefixes: string): string {
  if (first.raw.startsWith(prefixes)) return first.raw.slice(prefixes.length);
  return quotedWord(first.text.slice(prefixes.length)).replaceAll('%%', '%');
}

function expectPrefixes(
  unit: Unit,
  line: string,
  prefixes: string,
  program: string,
  argv0: Word | undefined,
): void {
  if (prefixes.includes('|'))
    throw new ThawError(`${unit.name}: ExecStart=${line} runs in a shell (\`|\`)`, {
      remedy: 'start the program itself',
    });
  if (prefixes.includes('@') && argv0?.text !== program)
    throw new ThawError(`${unit.name}: ExecStart=${line} gives the program another name (\`@\`)`, {
      remedy: 'leave out the @ and the name behind the program, if the app can do without it',
    });
}

/** `$NAME` as a word of its own is its words, `${NAME}` its text, `$$` a dollar. */
function withVariables(word: string, variables: Variables): string[] {
  const [, name] = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word) ?? [];
  if (name !== undefined) return wordsIn(variables[name] ?? '').map(({ raw }) => unquoted(raw));
  return [
    word.replaceAll(/\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, one?: string) =>
      one === undefined ? '$' : (variables[one] ?? ''),
    ),
  ];
}
