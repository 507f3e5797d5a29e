// What a command is, and how all of them read their arguments.
import { type ParseArgsConfig, parseArgs } from 'node:util';

import { UsageError, messageOf } from './errors.js';

export interface Command {
  /** Shown by --help: how to call it, what it does, its options. */
  readonly help: string;
  /** Returns the exit code: 0, or 1 when the answer is a bad one. @throws ThawError, UsageError */
  run(args: readonly string[]): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

interface Config<T extends Options> {
  readonly args: string[];
  readonly options: T;
  readonly allowPositionals: true;
  readonly strict: true;
}

type Parsed<T extends Options> = ReturnType<typeof parseArgs<Config<T>>>;

/** Reads options and operands; operands stand in `positionals`. @throws UsageError */
export function parse<const T extends Options>(args: readonly string[], options: T): Parsed<T> {
  try {
    return parseArgs<Config<T>>({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Only the first sentence: the rest explains Node's conventions.
    throw new UsageError(messageOf(error).split('. ')[0] ?? '');
  }
}

/** The only operand. @throws UsageError */
export function oneOperand(operands: readonly string[], what: string): string {
  const [operand, extra] = operands;
  if (operand === undefined) throw new UsageError(`${what} is missing`);
  if (extra !== undefined) throw new UsageError(`one ${what} is enough: ${extra}`);
  return operand;
}

/** @throws UsageError */
export function noOperands(operands: readonly string[]): void {
  if (operands[0] !== undefined) throw new UsageError(`unexpected argument: ${operands[0]}`);
}

/** A process id. @throws UsageError */
export function processId(text: string): number {
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 0) throw new UsageError(`--pid: not a process id: ${text}`);
  return pid;
}

/** Results go to stdout; nothing else does. */
export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** The names of the guards to leave out: as the option says, else $THAW_GUARDS_OFF. */
export function guards(option: string | undefined): string[] {
  return (option ?? process.env['THAW_GUARDS_OFF'] ?? '').split(',').filter((name) => name !== '');
}
