import { execa } from 'execa';

import { firstAnswer } from './paths.js';

/** What to ask a server, as the bytes of one request after which it closes the connection, and what the answer must hold. */
export interface Question {
  readonly send: string;
  readonly expect: string;
}

/** How to start an instance: a program with its arguments, in a folder, with exactly this environment. */
export interface Start {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** How long it may take to answer; default: a cold start on an emulated CPU. */
  readonly timeoutSeconds?: number;
  /** Takes what the app writes; the end of it is quoted when the instance fails. */
  readonly log: string;
}

/** What first_answer (first_answer.c) reports about the first right answer. Sizes in kB, from smaps_rollup. */
export interface FirstAnswer {
  readonly pid: number;
  readonly microseconds: number;
  readonly answer: string;
  readonly comm: string;
  readonly resident_kb: number;
  readonly proportional_kb: number;
  readonly private_kb: number;
}

const TIMEOUT_SECONDS = 600;

export class InstanceError extends Error {
  override readonly name = 'InstanceError';
}

/** One running server, in a network namespace of its own, which has given its first right answer. */
export class Instance {
  readonly first: FirstAnswer;
  readonly #driver: Driver;

  private constructor(driver: Driver, first: FirstAnswer) {
    this.#driver = driver;
    this.first = first;
  }

  /** Starts a server and waits for its first right answer. @throws InstanceError if it does not come */
  static async start(start: Start, question: Question): Promise<Instance> {
    const driver = new Driver(start, question);
    return new Instance(driver, parseFirstAnswer(await driver.nextLine()));
  }

  get pid(): number {
    return this.first.pid;
  }

  /** Sends one more request. @returns all that the server answered */
  async ask(request: string): Promise<string> {
    this.#driver.writeLine(escape(request));
    const reply = asRecord(JSON.parse(await this.#driver.nextLine()));
    return String(reply['answer']);
  }

  /** Ends the server and waits until it is gone. */
  end(): Promise<void> {
    return this.#driver.end();
  }
}

/** The first_answer process that starts the server, asks it, and ends it; one line of JSON on its output for each answer. */
class Driver {
  readonly #child: ReturnType<typeof start>;
  readonly #lines: AsyncIterator<string>;

  constructor({ command, cwd, env, port, log, timeoutSeconds = TIMEOUT_SECONDS }: Start, question: Question) {
    const options = [
      ...['--port', String(port), '--send', escape(question.send), '--expect', escape(question.expect)],
      ...['--own-network', '--hold', '--timeout', String(timeoutSeconds), '--log', log],
    ];
    this.#child = start([...options, '--', ...command], cwd, env);
    this.#lines = this.#child.iterable();
  }

  async nextLine(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done !== true) return next.value;
    const { stderr } = await this.#child;
    throw new InstanceError(stderr.trim() || 'the instance ended');
  }

  writeLine(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#child;
  }
}

/** What it prints is read line by line; what it says on stderr is kept. */
function start(args: readonly string[], cwd: string, env: Start['env']) {
  return execa(firstAnswer, args, { cwd, env, extendEnv: false, reject: false, buffer: { stdout: false } });
}

function escape(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t');
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new InstanceError('first_answer: not a JSON object');
  return value as Record<string, unknown>;
}

function parseFirstAnswer(line: string): FirstAnswer {
  const report = asRecord(JSON.parse(line));
  return {
    pid: Number(report['pid']),
    microseconds: Number(report['microseconds']),
    answer: String(report['answer']),
    comm: String(report['comm']),
    resident_kb: Number(report['resident_kb']),
    proportional_kb: Number(report['proportional_kb']),
    private_kb: Number(report['private_kb']),
  };
}
