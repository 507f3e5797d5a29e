// The log: JSON lines on stderr, so that stdout stays free for results.
import { pino } from 'pino';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** $THAW_LOG is shared with thaw-exec: a level that only one of them knows must not stop the other. */
function level(): string {
  const asked = process.env['THAW_LOG'];
  return asked !== undefined && LEVELS.includes(asked) ? asked : 'silent';
}

// Written synchronously: `thaw run` replaces this process, and a buffered line would be lost.
export const log = pino({ level: level(), base: null }, pino.destination({ fd: 2, sync: true }));
