// Progress of long work on stderr: one line per step, with how long it took.
import { duration } from './table.js';

const GREEN = '\x1b[32m';
const RED = '\x1b[31m';
const DIM = '\x1b[2m';

export class Progress {
  private readonly terminal: boolean;
  private readonly color: boolean;

  constructor(
    private readonly title: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {
    this.terminal = stream.isTTY;
    this.color = this.terminal && (process.env['NO_COLOR'] ?? '') === '';
  }

  /** Does `work` and says how it went; `detail` words its result. Errors pass through. */
  async step<T>(name: string, work: () => T | Promise<T>, detail?: (result: T) => string): Promise<T> {
    const begin = performance.now();
    // Only a terminal can take the line back once the step is done.
    if (this.terminal) this.stream.write(`  ${this.title}: ${name} ...`);
    try {
      const result = await work();
      this.end(GREEN, 'ok', name, performance.now() - begin, detail?.(result) ?? '');
      return result;
    } catch (error) {
      this.end(RED, 'failed', name, performance.now() - begin, '');
      throw error;
    }
  }

  private end(color: string, verdict: string, name: string, ms: number, detail: string): void {
    const time = this.paint(DIM, duration(ms).padStart(8));
    const line = `  ${this.title}: ${this.paint(color, verdict)}  ${time}  ${name}`;
    this.stream.write(`${this.terminal ? '\r\x1b[K' : ''}${line}${detail === '' ? '' : `: ${detail}`}\n`);
  }

  private paint(color: string, text: string): string {
    return this.color ? `${color}${text}\x1b[0m` : text;
  }
}
