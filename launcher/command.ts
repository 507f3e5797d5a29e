// What a command is: its options and operands, its words for --help, and what it does. commander reads and explains them.
import { Command as Parser, CommanderError } from 'commander';

import { UsageError } from './errors.js';
import type { TypedOption } from './options.js';

type Options = Readonly<Record<string, TypedOption<unknown>>>;

type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends TypedOption<infer T> ? T : never };

/** `<NAME>` has to be there, `[NAME]` may be; `<NAME...>` and `[NAME...]` take all that are there. */
type Operand<S extends string> = S extends `${string}...${string}`
  ? readonly string[]
  : S extends `<${string}>`
    ? string
    : string | undefined;

type Operands<A extends readonly string[]> = { readonly [I in keyof A]: Operand<A[I]> };

interface Spec<O extends Options, A extends readonly string[]> {
  /** What it does: paragraphs, for --help. */
  readonly about: string;
  /** In the order of --help; the keys name the values for `run`. */
  readonly options: O;
  readonly operands: A;
  /** What stands after `--` and is passed on, such as `ARGS...`; default: `--` only ends the options. */
  readonly passes?: string;
  /** Added to the end of --help. */
  readonly notes?: string;
  /** Returns the exit code: 0, or 1 when the answer is a bad one. @throws ThawError, UsageError */
  run(options: Values<O>, operands: Operands<A>, passed: readonly string[]): Promise<number> | number;
}

export interface Command {
  /** Reads the arguments and runs the command, or says what --help has to say. @throws ThawError, UsageError */
  call(name: string, args: readonly string[]): Promise<number>;
  /** What reads its arguments, and knows all that can be said of them. */
  parser(name: string): Parser;
  /** Added to the end of --help. */
  readonly notes: string | undefined;
}

export function command<const O extends Options, const A extends readonly string[]>(
  spec: Spec<O, A>,
): Command {
  return {
    notes: spec.notes,
    parser: (name) => parserOf(name, spec),
    async call(name, args) {
      const end = spec.passes === undefined ? -1 : args.indexOf('--');
      const [own, passed] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)];
      const parser = parserOf(name, spec);
      expectValues(parser, own);
      if (!parse(parser, own, spec.passes)) return 0;
      const given = parser.opts();
      const options = Object.fromEntries(
        Object.entries(spec.options).map(([key, { option, read }]) => [
          key,
          read(given[option.attributeName()]),
        ]),
      ) as Values<O>;
      return spec.run(options, parser.processedArgs as unknown as Operands<A>, passed);
    },
  };
}

/** An option's value that is missing shall not be made up for by the next option. @throws UsageError */
function expectValues(parser: Parser, args: readonly string[]): void {
  for (const [i, arg] of args.entries()) {
    if (arg === '--') return;
    const next = args[i + 1];
    const option = parser.options.find(({ long, short }) => arg === long || arg === short);
    if (option?.required !== true || next?.startsWith('-') !== true || next === '-') continue;
    throw new UsageError(`${arg} has no value`, { remedy: `if ${next} is its value: ${arg}=${next}` });
  }
}

function parserOf(
  name: string,
  { about, options, operands, passes, notes }: Spec<Options, readonly string[]>,
): Parser {
  const parser = bareParser(name).description(about);
  for (const operand of operands) parser.argument(operand);
  for (const { option } of Object.values(options)) parser.addOption(option);
  if (passes !== undefined) parser.usage(`${parser.usage()} [-- ${passes}]`);
  if (notes !== undefined) parser.addHelpText('after', `\n${notes}`);
  return parser;
}

/** A parser that throws where commander would end the process, and leaves the telling of errors to its caller. */
export function bareParser(name: string): Parser {
  return new Parser(name)
    .helpOption('-h, --help', 'say this')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
}

/** False if the arguments asked for --help or --version only, which has been said. @throws UsageError */
export function parse(parser: Parser, args: readonly string[], passes?: string): boolean {
  try {
    parser.parse(args, { from: 'user' });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    if (error.code === 'commander.help') throw new UsageError('which command?');
    const extra = parser.args[parser.registeredArguments.length];
    if (error.code === 'commander.excessArguments' && extra !== undefined)
      throw new UsageError(`unexpected argument: ${extra}`, {
        remedy: passes === undefined ? undefined : `${passes} stand after --`,
      });
    throw new UsageError(problemOf(error));
  }
}

const MISSING = ['commander.missingArgument', 'commander.missingMandatoryOptionValue'];

/** `NAME is missing` for operands and options; else as commander says it. */
function problemOf({ code, message }: CommanderError): string {
  const [, what = ''] = /'([^' ]*)/.exec(message) ?? [];
  return MISSING.includes(code)
    ? `${what.replaceAll('|', ' or ')} is missing`
    : message.replace(/^error: /, '');
}

/** Results go to stdout; nothing else does. */
export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}
