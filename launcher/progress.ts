// Progress of long work on stderr: one line per step, with how long it took. At a terminal, the step at work shows how long it
// has taken, and, where it tells how much of it is done or where the same work was done before, a bar and the time that is left.
import { clearLine, cursorTo } from 'node:readline';
import util from 'node:util';

import { duration } from './units.js';

/** So much of all that a step does is done. */
export type Told = (done: number, all: number) => void;

type Style = 'green' | 'red' | 'dim' | 'yellow';

export interface StepTime {
  readonly name: string;
  readonly ms: number;
}

interface Options {
  /** The steps of the last time, in order. */
  readonly expected?: readonly StepTime[];
  readonly stream?: NodeJS.WriteStream;
  /** How often a step at work is drawn, in milliseconds. */
  readonly everyMs?: number;
}

export class Progress {
  /** Of the steps that went well, in order. */
  readonly times: StepTime[] = [];
  private readonly expected: readonly StepTime[];
  private readonly stream: NodeJS.WriteStream;
  private readonly everyMs: number;
  private readonly terminal: boolean;
  private readonly color: boolean;

  constructor(
    private readonly title: string,
    { expected = [], stream = process.stderr, everyMs = 1000 }: Options = {},
  ) {
    this.expected = expected;
    this.stream = stream;
    this.everyMs = everyMs;
    this.terminal = stream.isTTY;
    // Node.js has styleText since 20.12; on Debian's 18, which builds in guests run on, there are no colours.
    this.color = this.terminal && (process.env['NO_COLOR'] ?? '') === '' && 'styleText' in util;
  }

  /** Does `work` and says how it went; `detail` words its result. Errors pass through. */
  async step<T>(
    name: string,
    work: (told: Told) => T | Promise<T>,
    detail?: (result: T) => string,
  ): Promise<T> {
    const begin = performance.now();
    let share = 0;
    const drawing = this.draw(name, begin, () => share);
    try {
      const result = await work((done, all) => (share = all > 0 ? Math.min(1, done / all) : 0));
      const ms = performance.now() - begin;
      this.times.push({ name, ms });
      this.end('green', 'ok', name, ms, detail?.(result) ?? '');
      return result;
    } catch (error) {
      this.end('red', 'failed', name, performance.now() - begin, '');
      throw error;
    } finally {
      clearInterval(drawing);
    }
  }

  /** Says what did not hold the work up, but should be known. */
  warn(text: string): void {
    this.take(`  ${this.title}: ${this.paint('yellow', 'warning')}  ${text}\n`);
  }

  /** Only a terminal can take the line back, again and again until the step is done. */
  private draw(name: string, begin: number, share: () => number): NodeJS.Timeout | undefined {
    if (!this.terminal) return undefined;
    this.stream.write(`  ${this.title}: ${name} ...`);
    const again = (): void => {
      const ms = performance.now() - begin;
      const left = share() > 0 ? toGo(share(), ms / share() - ms) : this.left(name, ms);
      this.take(`  ${this.title}: ${name} ... ${seconds(ms)}${left}`);
    };
    return setInterval(again, this.everyMs).unref();
  }

  /** A bar and the time that is left, `ms` after the begin of a step; nothing where the work goes another way than the last time. */
  private left(name: string, ms: number): string {
    const done = this.times.length;
    const same = [...this.times.map((step) => step.name), name].every(
      (one, i) => one === this.expected[i]?.name,
    );
    if (!same) return '';
    const now = this.expected[done]?.ms ?? 0;
    const later = sum(this.expected.slice(done + 1));
    // A step that takes longer than the last time is at its end, for all that is known.
    const rest = Math.max(0, now - ms) + later;
    const whole = sum(this.times) + ms + rest;
    return toGo(1 - rest / whole, rest);
  }

  private take(text: string): void {
    if (this.terminal) {
      cursorTo(this.stream, 0);
      clearLine(this.stream, 1);
    }
    this.stream.write(text);
  }

  private end(style: Style, verdict: string, name: string, ms: number, detail: string): void {
    const time = this.paint('dim', duration(ms).padStart(8));
    const line = `  ${this.title}: ${this.paint(style, verdict)}  ${time}  ${name}`;
    this.take(`${line}${detail === '' ? '' : `: ${detail}`}\n`);
  }

  private paint(style: Style, text: string): string {
    // Else it would look at stdout, which is for results.
    return this.color ? util.styleText(style, text, { validateStream: false }) : text;
  }
}

const sum = (steps: readonly StepTime[]): number => steps.reduce((total, { ms }) => total + ms, 0);

function seconds(ms: number): string {
  const all = Math.ceil(ms / 1000);
  return all < 120 ? `${all} s` : `${Math.floor(all / 60)} min ${all % 60} s`;
}

const BAR_WIDTH = 20;

function toGo(share: number, ms: number): string {
  const full = Math.round(BAR_WIDTH * share);
  return `  [${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]  about ${seconds(ms)} left`;
}
