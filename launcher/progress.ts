// Progress of long work on stderr: one line per step, with how long it took.
import { clearLine, cursorTo } from 'node:readline';
import util from 'node:util';

import { duration } from './units.js';

/** So much of all has been done. */
export type Told = (done: number, all: number) => void;

/** What a bar is made of, and how often it is drawn. */
const BAR = 20;
const EACH_MS = 100;

type Style = 'green' | 'red' | 'dim' | 'yellow';

export class Progress {
  private readonly terminal: boolean;
  private readonly color: boolean;

  constructor(
    private readonly title: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {
    this.terminal = stream.isTTY;
    // Node.js has styleText since 20.12; on Debian's 18, which builds in guests run on, there are no colours.
    this.color = this.terminal && (process.env['NO_COLOR'] ?? '') === '' && 'styleText' in util;
  }

  /**
   * Does `work` and says how it went; `detail` words its result. Errors pass through. `work` may tell how much of it is done:
   * a terminal shows that, with the time that is left.
   */
  async step<T>(
    name: string,
    work: (told: Told) => T | Promise<T>,
    detail?: (result: T) => string,
  ): Promise<T> {
    const begin = performance.now();
    // Only a terminal can take the line back once the step is done.
    if (this.terminal) this.stream.write(`  ${this.title}: ${name} ...`);
    try {
      const result = await work(this.bar(name, begin));
      this.end('green', 'ok', name, performance.now() - begin, detail?.(result) ?? '');
      return result;
    } catch (error) {
      this.end('red', 'failed', name, performance.now() - begin, '');
      throw error;
    }
  }

  /** Says what did not hold the work up, but should be known. */
  warn(text: string): void {
    this.take(`  ${this.title}: ${this.paint('yellow', 'warning')}  ${text}\n`);
  }

  private bar(name: string, begin: number): Told {
    let drawn = begin;
    return (done, all) => {
      const now = performance.now();
      if (!this.terminal || now - drawn < EACH_MS || done <= 0 || all <= 0) return;
      drawn = now;
      const share = Math.min(1, done / all);
      const bar = '#'.repeat(Math.round(share * BAR)).padEnd(BAR, '-');
      const left = duration(((now - begin) * (1 - share)) / share);
      this.take(`  ${this.title}: ${name} [${bar}] ${(100 * share).toFixed(0)} %, ${left} left`);
    };
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
