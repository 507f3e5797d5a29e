// The log: JSON lines on stderr, so that stdout stays free for results. $THAW_LOG names the lowest level that is told:
// info: what a build leaves behind, with its sizes and times; debug: the processes, files and tools in between; trace: what
// commands and tools wrote, too; by default nothing.
import { type Logger, pino } from 'pino';

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** $THAW_LOG is shared with thaw-exec: a level that only one of them knows must not stop the other. */
function level(): string {
  const asked = process.env['THAW_LOG'];
  return asked !== undefined && LEVELS.includes(asked) ? asked : 'silent';
}

// `pid` is free for the processes that records are about. Written synchronously: `thaw run` replaces this process, and a
// buffered line would be lost.
export const log = pino({ level: level(), base: null }, pino.destination({ fd: 2, sync: true }));

/** The log of one part of thaw, which each of its records names. */
export function logOf(
  part: 'app' | 'checkpoint' | 'firmware' | 'proving' | 'registry' | 'store' | 'training',
): Logger {
  return log.child({ part });
}

/** Milliseconds since `begin` of performance.now(), for a record. */
export function msSince(begin: number): number {
  return Math.round((performance.now() - begin) * 10) / 10;
}
