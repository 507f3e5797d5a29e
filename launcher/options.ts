// The options of commands: each is declared once, with its flags, its words for --help, and the type of its value.
import { Option } from 'commander';

import { UsageError } from './errors.js';

/** An option whose value is a T. */
export interface TypedOption<T> {
  readonly option: Option;
  /** The value from what commander has for it: undefined if the option is not given. */
  readonly read: (given: unknown) => T;
}

/** Turns the text behind an option into its value. @throws UsageError */
export type Parser<T> = (text: string) => T;

/** Flags such as `--quick`; with `--no-`, the value is false if it is given, else true. */
export function flag(flags: string, description: string): TypedOption<boolean> {
  const option = new Option(flags, description);
  return { option, read: (given) => (option.negate ? given !== false : given === true) };
}

/** Flags such as `--output <DIR>`. */
export function text(flags: string, description: string): TypedOption<string | undefined> {
  return { option: new Option(flags, description), read: (given) => given as string | undefined };
}

/** With a default, which --help tells. */
export function textOr(flags: string, description: string, otherwise: string): TypedOption<string> {
  return {
    option: new Option(flags, description).default(otherwise, otherwise),
    read: (given) => given as string,
  };
}

export function parsed<T>(flags: string, description: string, parse: Parser<T>): TypedOption<T | undefined> {
  return { option: new Option(flags, description).argParser(parse), read: (given) => given as T | undefined };
}

/** May be given several times. */
export function repeated<T>(flags: string, description: string, parse: Parser<T>): TypedOption<readonly T[]> {
  const append = (text: string, before: T[] = []): T[] => [...before, parse(text)];
  const option = new Option(flags, description).argParser(append);
  return { option, read: (given) => (given as T[] | undefined) ?? [] };
}

/** The same option, without which the command cannot be called. */
export function required<T>({ option, read }: TypedOption<T | undefined>): TypedOption<T> {
  option.makeOptionMandatory().description += ' (required)';
  return { option, read: (given) => read(given) as T };
}

/** Under a heading of its own in --help. */
export function grouped<T>(heading: string, { option, read }: TypedOption<T>): TypedOption<T> {
  return { option: option.helpGroup(heading), read };
}

/** How often something is done: `--runs <N>`. */
export function count(flags: string, description: string): TypedOption<number | undefined> {
  const name = flags.split(' ')[0] ?? '';
  return parsed(flags, description, (text) => positive(text, `${name}: not a count`));
}

/** As `count`, with a default. */
export function countOr(flags: string, description: string, otherwise: number): TypedOption<number> {
  const { option, read } = count(flags, description);
  return { option: option.default(otherwise), read: (given) => read(given) as number };
}

/** Names separated by commas. */
export function names(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function positive(text: string, problem: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number <= 0) throw new UsageError(`${problem}: ${text}`);
  return number;
}

/** Paths with a colon between two, however often it is given. */
export function stores(description: string): TypedOption<string | undefined> {
  const append = (text: string, before?: string): string =>
    before === undefined ? text : `${before}:${text}`;
  return {
    option: new Option('--store <DIR>', description).argParser(append),
    read: (given) => given as string | undefined,
  };
}

export const store = stores('where profiles and images are kept; several in order, see thaw --help');
export const json = flag('--json', 'the result as JSON');

export function pid(description: string): TypedOption<number | undefined> {
  return parsed('--pid <PID>', description, (text) => positive(text, '--pid: not a process id'));
}

/** The names of the guards to leave out: as the option says, else $THAW_GUARDS_OFF. */
export const guardsOff: TypedOption<readonly string[]> = {
  option: new Option(
    '--guards-off <NAME,...>',
    'leave out guards of restored memory, for tests of what they guard against',
  ).env('THAW_GUARDS_OFF'),
  read: (given) => names((given as string | undefined) ?? ''),
};
